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
    bool is_null;
    const Datum value = SPI_getbinval(tuple(), row_type(), column, &is_null);
    if (is_null) return {};
    // What the columns of our own tables are is spared the look-up of an output function.
    switch (SPI_gettypeid(row_type(), column)) {
      case TEXTOID:
      case VARCHAROID: {
        const struct varlena *text = PG_DETOAST_DATUM_PACKED(value);
        return copy({VARDATA_ANY(text), static_cast<size_t>(VARSIZE_ANY_EXHDR(text))});
      }
      case NAMEOID:
        return copy(NameStr(*DatumGetName(value)));
      default:
        return copy(SPI_getvalue(tuple(), row_type(), column));
    }
  }

  /// A column's datum, which goes when SPI finishes. The owner of a table may have changed the type
  /// of its columns, and a datum of another type than expected is a wild pointer.
  Datum datum(int column, Oid type, bool *is_null) const {
    if (SPI_gettypeid(row_type(), column) != type) {
      ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                      errmsg("column %d of a table of b2neon is not of type %s", column,
                             format_type_be(type))));
    }
    return SPI_getbinval(tuple(), row_type(), column, is_null);
  }

 private:
  HeapTuple tuple() const { return SPI_tuptable->vals[row_]; }
  TupleDesc row_type() const { return SPI_tuptable->tupdesc; }

  // With a zero behind it, for those who want a C string.
  static std::string_view copy(std::string_view text) {
    char *copied = static_cast<char *>(SPI_palloc(text.size() + 1));
    memcpy(copied, text.data(), text.size());
    copied[text.size()] = '\0';
    return {copied, text.size()};
  }

  uint64 row_;
};

}  // namespace b2neon
