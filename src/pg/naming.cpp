#include "pg/naming.h"

#include "pg/arguments.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

bool is_unique_index_on(Oid index, AttrNumber column) {
  Relation relation = index_open(index, AccessShareLock);
  const Form_pg_index form = relation->rd_index;
  const bool result = form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
                      form->indkey.values[0] == column && relation->rd_rel->relam == BTREE_AM_OID &&
                      relation->rd_opcintype[0] == TEXTOID &&
                      RelationGetIndexPredicate(relation) == NIL;
  index_close(relation, AccessShareLock);
  return result;
}

Oid require_unique_index(Relation table, AttrNumber column) {
  ListCell *cell;
  foreach (cell, RelationGetIndexList(table)) {
    if (is_unique_index_on(lfirst_oid(cell), column)) return lfirst_oid(cell);
  }
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("table \"%s\" has no unique index on object_key", RelationGetRelationName(table)),
           errhint("Without it, it cannot be told which objects are in use. ALTER TABLE ... ADD "
                   "UNIQUE (object_key) makes one.")));
}

const char *text_value(HeapTuple tuple, AttrNumber column, Relation table) {
  bool is_null;
  const Datum value = heap_getattr(tuple, column, RelationGetDescr(table), &is_null);
  return is_null ? nullptr : TextDatumGetCString(value);
}

bool is_on_one_of(List *servers, HeapTuple tuple, const NamingRows &rows) {
  bool is_null;
  const Datum value = heap_getattr(tuple, rows.server, RelationGetDescr(rows.table), &is_null);
  if (is_null) return false;
  ListCell *cell;
  foreach (cell, servers) {
    if (strcmp(NameStr(*DatumGetName(value)), static_cast<char *>(lfirst(cell))) == 0) return true;
  }
  return false;
}

void add(Naming *naming, HeapTuple tuple, const NamingRows &rows) {
  const char *version_id = text_value(tuple, rows.version_id, rows.table);
  if (version_id) {
    naming->version_ids = lappend(naming->version_ids, const_cast<char *>(version_id));
  } else {
    naming->all_versions = true;
  }
}

ScanKeyData key_is(const NamingRows &rows, std::string_view object_key) {
  Relation index = index_open(rows.index, AccessShareLock);
  const Oid collation = index->rd_indcollation[0];
  index_close(index, AccessShareLock);
  ScanKeyData key;
  ScanKeyEntryInitialize(&key, 0, rows.object_key, BTEqualStrategyNumber, InvalidOid, collation,
                         F_TEXTEQ, text_datum(object_key));
  return key;
}

}  // namespace

NamingRows open_naming_rows(Oid schema) {
  const Oid table = require_table(schema, "b2_files");
  NamingRows rows;
  rows.table = table_open(table, AccessShareLock);
  if (find_inheritance_children(table, AccessShareLock) != NIL) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("tables inherit from \"%s\"", RelationGetRelationName(rows.table)),
                    errhint("Their rows are not found. ALTER TABLE ... NO INHERIT makes them "
                            "tables of their own.")));
  }
  rows.object_key = require_column(table, "object_key", TEXTOID);
  rows.server = require_column(table, "server", NAMEOID);
  rows.version_id = require_column(table, "version_id", TEXTOID);
  rows.index = require_unique_index(rows.table, rows.object_key);
  return rows;
}

void close_naming_rows(const NamingRows &rows) {
  table_close(rows.table, AccessShareLock);
}

bool Naming::includes(std::string_view version_id) const {
  if (all_versions) return true;
  ListCell *cell;
  foreach (cell, version_ids) {
    if (static_cast<char *>(lfirst(cell)) == version_id) return true;
  }
  return false;
}

void add_naming(const NamingRows &rows, std::string_view object_key, List *other_buckets,
                Snapshot snapshot, Naming *naming) {
  ScanKeyData key = key_is(rows, object_key);
  SysScanDesc scan = systable_beginscan(rows.table, rows.index, true, snapshot, 1, &key);
  while (HeapTuple tuple = systable_getnext(scan)) {
    // By the index's collation, other keys may be equal to this one.
    const char *found = text_value(tuple, rows.object_key, rows.table);
    if (!found || object_key != found || is_on_one_of(other_buckets, tuple, rows)) continue;
    // Of the two kinds of snapshots, the dirty one says who has not committed yet.
    if (TransactionIdIsValid(snapshot->xmin) && !IsMVCCSnapshot(snapshot)) {
      naming->is_decided = false;
    }
    add(naming, tuple, rows);
  }
  systable_endscan(scan);
}

}  // namespace b2neon
