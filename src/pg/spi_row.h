#pragma once

#include "pg/pg.h"

namespace b2neon {

/// A row that the last statement in SPI gave; the first one unless told. Columns are counted
/// from 1.
class SpiRow {
 public:
  explicit SpiRow(uint64 row = 0) : row_(row) {}

  /// A column's text in the memory context of SPI's caller; data() == nullptr for NULL.
  std::string_view text(int column) const {
    const char *value = SPI_getvalue(SPI_tuptable->vals[row_], SPI_tuptable->tupdesc, column);
    if (!value) return {};
    const size_t size = strlen(value);
    char *copy = static_cast<char *>(SPI_palloc(size + 1));
    memcpy(copy, value, size + 1);
    return {copy, size};
  }

  /// A column's datum, which goes when SPI finishes. The owner of a table may have changed the type
  /// of its columns, and a datum of another type than expected is a wild pointer.
  Datum datum(int column, Oid type, bool *is_null) const {
    if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != type) {
      ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                      errmsg("column %d of a table of b2neon is not of type %s", column,
                             format_type_be(type))));
    }
    return SPI_getbinval(SPI_tuptable->vals[row_], SPI_tuptable->tupdesc, column, is_null);
  }

 private:
  uint64 row_;
};

}  // namespace b2neon
