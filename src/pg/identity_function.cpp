#include "pg/identity_function.h"

#include "pg/search_path.h"

namespace b2neon {

namespace {

bool is_identity_type(Oid type) {
  for (const Oid allowed : {TEXTOID, VARCHAROID, NAMEOID, UUIDOID, INT4OID, INT8OID}) {
    if (type == allowed) return true;
  }
  return false;
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
           errhint("SET ROLE to another role, or name the user in the call: user_id => ...")));
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

}  // namespace

IdentityFunction require_identity_function(HeapTuple function) {
  const Form_pg_proc form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(function));
  if (form->prokind != PROKIND_FUNCTION || form->proretset || form->pronargs != 0 ||
      !is_identity_type(form->prorettype)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_WRONG_OBJECT_TYPE),
         errmsg("function %s cannot say who the caller is", format_procedure_qualified(form->oid)),
         errdetail("It must be a plain function without arguments that returns one text, "
                   "varchar, name, uuid, integer or bigint (no domain of these), not %s.",
                   format_type_be(form->prorettype))));
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

std::string_view user_id_from_function(const IdentitySource &source, Oid chooser) {
  const IdentityFunction function = find_function(source, chooser);
  require_execute(function);
  require_safe_for_superuser(source, function);
  return call_function(function);
}

}  // namespace b2neon
