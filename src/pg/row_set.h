#pragma once

#include "pg/pg.h"

namespace b2neon {

/// The rows that a set-returning function gives, kept until it has returned.
class RowSet {
 public:
  explicit RowSet(FunctionCallInfo fcinfo);

  TupleDesc row_type() const { return row_type_; }

  /// A composite of the row type.
  void add(Datum row);
  void add(const Datum *values, const bool *nulls) {
    tuplestore_putvalues(rows_, row_type_, const_cast<Datum *>(values), const_cast<bool *>(nulls));
  }

 private:
  Tuplestorestate *rows_;
  TupleDesc row_type_;
};

}  // namespace b2neon
