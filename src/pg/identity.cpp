#include "pg/identity.h"

#include "pg/caller.h"
#include "pg/identity_function.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

constexpr char kClaimsSetting[] = "request.jwt.claims";

// The owner of the table may have changed its columns, and a datum of another type than expected is
// a wild pointer.
const char *text_column(HeapTuple row, TupleDesc columns, const char *name) {
  const int number = SPI_fnumber(columns, name);
  if (number <= 0 || SPI_gettypeid(columns, number) != TEXTOID) {
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("table \"b2_identity\" has no column \"%s\" of type text", name)));
  }
  bool is_null;
  const Datum value = heap_getattr(row, number, columns, &is_null);
  return is_null ? nullptr : TextDatumGetCString(value);
}

IdentitySource source_in(HeapTuple row, TupleDesc columns) {
  IdentitySource source;
  const char *kind = text_column(row, columns, "source");
  if (kind && strcmp(kind, kClaimsSetting) == 0) {
    source.kind = IdentitySource::Kind::kJwtClaims;
    return source;
  }
  source.kind = IdentitySource::Kind::kFunction;
  source.function_schema = text_column(row, columns, "function_schema");
  source.function_name = text_column(row, columns, "function_name");
  source.function_owner = text_column(row, columns, "function_owner");
  if (!source.function_schema || !source.function_name || !source.function_owner) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("the row of table \"b2_identity\" does not name a function"),
                    errhint("Choose anew with b2_set_identity().")));
  }
  return source;
}

// Straight from the table, whatever the caller may read: every query on b2_files comes through
// here.
IdentitySource read_source(Oid identity) {
  IdentitySource source;
  Relation table = table_open(identity, AccessShareLock);
  EnsurePortalSnapshotExists();  // after a COMMIT in a procedure there may be none
  SysScanDesc scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, nullptr);
  HeapTuple row = systable_getnext(scan);
  if (HeapTupleIsValid(row)) source = source_in(row, RelationGetDescr(table));
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return source;
}

// As the operator ->> would give it.
std::string_view subject_of_claims() {
  const char *claims = GetConfigOption(kClaimsSetting, true, false);
  if (!claims || *claims == '\0') return {};
  Jsonb *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(claims)));
  if (!JB_ROOT_IS_OBJECT(object)) return {};
  const JsonbValue *subject = getKeyJsonValueFromContainer(&object->root, "sub", 3, nullptr);
  if (!subject) return {};
  if (subject->type == jbvNumeric) {
    return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(subject->val.numeric)));
  }
  if (subject->type != jbvString) return {};
  return {subject->val.string.val, static_cast<size_t>(subject->val.string.len)};
}

std::string_view user_id_from(const IdentitySource &source, Oid identity) {
  if (source.kind == IdentitySource::Kind::kCurrentUser) {
    return GetUserNameFromId(GetUserId(), false);
  }
  if (source.kind == IdentitySource::Kind::kJwtClaims) return subject_of_claims();
  return user_id_from_function(source, table_owner(identity));
}

extern "C" {

// Errors of a function, or in the claims, may say nothing of where they come from.
static void add_context(void *source) {
  errcontext("user id of the caller, from %s",
             source_text(*static_cast<const IdentitySource *>(source)));
}

}  // extern "C"

}  // namespace

const char *source_text(const IdentitySource &source) {
  switch (source.kind) {
    case IdentitySource::Kind::kJwtClaims:
      return kClaimsSetting;
    case IdentitySource::Kind::kFunction:
      return psprintf("%s()",
                      quote_qualified_identifier(source.function_schema, source.function_name));
    default:
      return "current_user";
  }
}

std::string_view caller_user_id(Oid schema) {
  const Oid identity = require_table(schema, "b2_identity");
  IdentitySource source = read_source(identity);
  ErrorContextCallback context = {error_context_stack, add_context, &source};
  if (source.kind != IdentitySource::Kind::kCurrentUser) error_context_stack = &context;
  const std::string_view user_id = user_id_from(source, identity);
  error_context_stack = context.previous;

  if (user_id.empty()) {
    const bool is_confined = caller_is_confined(schema);
    ereport(
        ERROR,
        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
         errmsg("no user is signed in (role \"%s\")", GetUserNameFromId(GetUserId(), false)),
         source.kind == IdentitySource::Kind::kJwtClaims
             ? errdetail("Setting request.jwt.claims has no claim \"sub\" that is a string or a "
                         "number.")
             : errdetail("Function %s gave no user.", source_text(source)),
         is_confined ? 0 : errhint("A call can name the user for whom you act: user_id => ...")));
  }
  if (user_id.size() > kMaxUserIdLength) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("user id of the caller is longer than %zu bytes", kMaxUserIdLength),
                    errdetail("It comes from %s.", source_text(source))));
  }
  return user_id;
}

}  // namespace b2neon
