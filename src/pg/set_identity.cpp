#include "core/ascii.h"
#include "pg/arguments.h"
#include "pg/identity_function.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_set_identity)

namespace b2neon {

namespace {

Statement delete_identity = {"DELETE FROM %1$s.b2_identity", 0, {}};

Statement upsert_identity = {
    "INSERT INTO %1$s.b2_identity (source, function_schema, function_name, function_owner) "
    "VALUES ($1, $2, $3, $4) ON CONFLICT (only_row) DO UPDATE SET source = excluded.source, "
    "function_schema = excluded.function_schema, function_name = excluded.function_name, "
    "function_owner = excluded.function_owner",
    4,
    {TEXTOID, TEXTOID, TEXTOID, TEXTOID}};

void require_owner(Oid table) {
  if (has_privs_of_role(GetUserId(), table_owner(table))) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("must be owner of table %s", get_rel_name(table))));
}

// b2_user_id() is parallel safe and calls the function again and again within a statement.
void require_stable(HeapTuple function) {
  const Form_pg_proc form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(function));
  if (form->provolatile != PROVOLATILE_VOLATILE && form->proparallel == PROPARALLEL_SAFE) return;
  const char *name = format_procedure_qualified(form->oid);
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("function %s is not both stable and parallel safe", name),
                  errdetail("It is called in queries that rely on one answer, and in parallel "
                            "workers."),
                  errhint("If it is in fact: ALTER FUNCTION %s STABLE PARALLEL SAFE.", name)));
}

void warn_of_stranger(Form_pg_proc function, Oid chooser) {
  if (has_privs_of_role(function->proowner, chooser)) return;
  ereport(
      WARNING,
      (errmsg("function %s belongs to role \"%s\", which decides from now on who everybody is",
              format_procedure_qualified(function->oid),
              GetUserNameFromId(function->proowner, false)),
       errdetail("It can replace the function at any time, and what it puts there runs with the "
                 "rights of each caller.")));
}

IdentitySource parse_function(std::string_view text, Oid schema, Oid chooser) {
  if (text.size() < 3 || text.substr(text.size() - 2) != "()") {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid source: \"%s\"", quotable(text)),
                    errhint("It is current_user, request.jwt.claims, or a function with empty "
                            "parentheses, such as auth.user_id().")));
  }
  const Oid oid = DatumGetObjectId(
      DirectFunctionCall1(regprocedurein, CStringGetDatum(pnstrdup(text.data(), text.size()))));
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", oid);
  const IdentityFunction function = require_identity_function(tuple);
  require_execute(function);
  require_stable(tuple);
  const Form_pg_proc form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  if (form->pronamespace == schema && strcmp(NameStr(form->proname), "b2_user_id") == 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("b2_user_id() cannot be its own source")));
  }
  warn_of_stranger(form, chooser);
  IdentitySource source;
  source.kind = IdentitySource::Kind::kFunction;
  source.function_schema = get_namespace_name(form->pronamespace);
  source.function_name = pstrdup(NameStr(form->proname));
  source.function_owner = GetUserNameFromId(form->proowner, false);
  ReleaseSysCache(tuple);
  return source;
}

IdentitySource parse_source(std::string_view text, Oid schema, Oid chooser) {
  IdentitySource source;
  if (equal_ignoring_case(text, "current_user")) return source;
  if (text != "request.jwt.claims") return parse_function(text, schema, chooser);
  source.kind = IdentitySource::Kind::kJwtClaims;
  return source;
}

void record(const IdentitySource &source, Oid schema, Oid table) {
  SPI_connect();
  const OwnerScope owner = begin_writing_as_owner(table);
  if (source.kind == IdentitySource::Kind::kCurrentUser) {
    execute(delete_identity, schema, nullptr, nullptr, false);
  } else {
    const bool is_function = source.kind == IdentitySource::Kind::kFunction;
    Datum values[4] = {text_datum(is_function ? "function" : source_text(source))};
    char nulls[4] = {' ', 'n', 'n', 'n'};
    if (is_function) {
      values[1] = text_datum(source.function_schema);
      values[2] = text_datum(source.function_name);
      values[3] = text_datum(source.function_owner);
      memset(nulls, ' ', sizeof nulls);
    }
    execute(upsert_identity, schema, values, nulls, false);
  }
  end_as_owner(owner);
  SPI_finish();
}

}  // namespace

}  // namespace b2neon

/// b2_set_identity(source) → the source as it is kept
Datum b2_set_identity(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  const Oid schema = extension_schema(fcinfo);
  const Oid table = require_table(schema, "b2_identity");
  require_owner(table);
  const IdentitySource source =
      parse_source(required_text(fcinfo, 0, "source"), schema, table_owner(table));
  record(source, schema, table);
  return text_datum(source_text(source));
}
