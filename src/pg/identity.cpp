#include "pg/identity.h"

#include "pg/caller.h"
#include "pg/search_path.h"
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

void raise_not_trusted(const IdentitySource &source, const char *detail) {
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("function %s does not say any more who the caller is", source_text(source)),
           errdetail_internal("%s", detail),
           errhint("The owner of table b2_identity can choose anew with b2_set_identity().")));
}

// The function that was chosen, and no other that has taken its name since.
IdentityFunction find_function(const IdentitySource &source, Oid chooser) {
  const Oid schema = get_namespace_oid(source.function_schema, true);
  HeapTuple tuple = nullptr;
  if (OidIsValid(schema)) {
    tuple = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(source.function_name),
                            PointerGetDatum(buildoidvector(nullptr, 0)), ObjectIdGetDatum(schema));
  }
  if (!HeapTupleIsValid(tuple)) raise_not_trusted(source, "It does not exist.");
  const IdentityFunction function = require_identity_function(tuple);
  ReleaseSysCache(tuple);

  // A dump that is restored without owners has them all belong to one other role.
  const bool is_owned_as_chosen = function.owner == get_role_oid(source.function_owner, true) ||
                                  has_privs_of_role(function.owner, chooser);
  if (!is_owned_as_chosen) {
    raise_not_trusted(source,
                      psprintf("It belongs to role \"%s\", and belonged to \"%s\" when it "
                               "was chosen.",
                               GetUserNameFromId(function.owner, false), source.function_owner));
  }
  return function;
}

// A superuser who calls an extension that another role has set up does not expect to run that
// role's code.
void require_safe_for_superuser(const IdentitySource &source, const IdentityFunction &function) {
  if (!superuser() || superuser_arg(function.owner)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("function %s is not run with the rights of a superuser", source_text(source)),
           errdetail("It says who the caller is, and belongs to role \"%s\", which is no "
                     "superuser.",
                     GetUserNameFromId(function.owner, false)),
           errhint("Name the user in the call: user_id => ...")));
}

std::string_view call_function(const IdentityFunction &function) {
  const int level = pin_search_path();
  FmgrInfo info;
  fmgr_info(function.oid, &info);
  LOCAL_FCINFO(call, 0);
  InitFunctionCallInfoData(*call, &info, 0, DEFAULT_COLLATION_OID, nullptr, nullptr);
  const Datum result = FunctionCallInvoke(call);
  std::string_view user_id;
  if (!call->isnull) {
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(function.result_type, &output, &is_varlena);
    user_id = OidOutputFunctionCall(output, result);
  }
  restore_settings(level);
  return user_id;
}

std::string_view user_id_from(const IdentitySource &source, Oid identity) {
  if (source.kind == IdentitySource::Kind::kCurrentUser) {
    return GetUserNameFromId(GetUserId(), false);
  }
  if (source.kind == IdentitySource::Kind::kJwtClaims) return subject_of_claims();
  const IdentityFunction function = find_function(source, table_owner(identity));
  require_execute(function);
  require_safe_for_superuser(source, function);
  return call_function(function);
}

extern "C" {

// Errors of a function, or in the claims, may say nothing of where they come from.
static void add_context(void *source) {
  errcontext("user id of the caller, from %s",
             source_text(*static_cast<const IdentitySource *>(source)));
}

}  // extern "C"

bool is_identity_type(Oid type) {
  for (const Oid allowed : {TEXTOID, VARCHAROID, NAMEOID, UUIDOID, INT4OID, INT8OID}) {
    if (type == allowed) return true;
  }
  return false;
}

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
    ereport(
        ERROR,
        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
         errmsg("no user is signed in (role \"%s\")", GetUserNameFromId(GetUserId(), false)),
         source.kind == IdentitySource::Kind::kJwtClaims
             ? errdetail("Setting request.jwt.claims has no claim \"sub\" that is a string or a "
                         "number.")
             : errdetail("Function %s gave no user.", source_text(source)),
         caller_is_confined(schema)
             ? 0
             : errhint("Name the user for whom you act in the call: user_id => ...")));
  }
  if (user_id.size() > kMaxUserIdLength) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("user id of the caller is longer than %zu bytes", kMaxUserIdLength),
                    errdetail("It comes from %s.", source_text(source))));
  }
  return user_id;
}

IdentityFunction require_identity_function(HeapTuple function) {
  const Form_pg_proc form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(function));
  if (form->prokind != PROKIND_FUNCTION || form->proretset || form->pronargs != 0 ||
      !is_identity_type(form->prorettype)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("function \"%s\" cannot say who the caller is", NameStr(form->proname)),
                    errdetail("It must be a plain function without arguments that returns a text, "
                              "varchar, name, uuid, integer or bigint.")));
  }
  return {form->oid, form->proowner, form->prorettype};
}

void require_execute(const IdentityFunction &function) {
  if (object_aclcheck(ProcedureRelationId, function.oid, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK) {
    return;
  }
  const char *name = format_procedure_qualified(function.oid);
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for function %s", name),
                  errdetail("It says who the caller is."),
                  errhint("Its owner can GRANT EXECUTE ON FUNCTION %s TO %s.", name,
                          quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

}  // namespace b2neon
