#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/deleter.h"
#include "pg/deletions.h"
#include "pg/failure.h"
#include "pg/lineage.h"
#include "pg/server.h"
#include "pg/spi_row.h"
#include "pg/store.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_maintain)

namespace b2neon {

namespace {

constexpr int kBatchSize = 0, kTimeLimit = 1, kOlderThan = 2, kDryRun = 3, kServer = 4;
constexpr int32 kMaxBatchSize = 10000;

// One call of the procedure.
struct Maintenance {
  Oid schema;
  int32 batch_size;
  TimestampTz end;   // DT_NOEND: when all is done
  Datum older_than;  // interval
  bool is_dry_run;
  MemoryContext per_batch;
  MemoryContext whole;  // for as long as the call lasts
  uint64 swept = 0;
  uint64 deleted = 0;
  uint64 done = 0;
  List *troubles = NIL;  // const Failure *, one for each server that could not be worked on

  bool is_over() const { return GetCurrentTimestamp() >= end; }
};

const char *keep(const char *text) {
  return text ? pstrdup(text) : nullptr;
}

// Keeps why a server could not be worked on, beyond the batch.
void note_trouble(Maintenance *maintenance, const Failure &trouble) {
  MemoryContext caller = MemoryContextSwitchTo(maintenance->whole);
  const Failure *kept = new_failure(
      {trouble.sqlstate, keep(trouble.message), keep(trouble.detail), keep(trouble.hint)});
  maintenance->troubles = lappend(maintenance->troubles, const_cast<Failure *>(kept));
  MemoryContextSwitchTo(caller);
}

// Every batch is a transaction of its own, so that what is done is done, and locks are short. It
// has to see what the others have committed when it begins, whatever the session's default is.
void begin_batch() {
#if PG_VERSION_NUM < 150000
  SPI_start_transaction();
#endif
  XactIsoLevel = XACT_READ_COMMITTED;
}

void end_batch(Maintenance *maintenance) {
  SPI_commit();
  begin_batch();
  MemoryContextReset(maintenance->per_batch);
  CHECK_FOR_INTERRUPTS();
}

// Raises where the server is not there, or where the current role or the owner of the queue cannot
// use it. Otherwise the owner could have objects deleted with the key of whoever maintains.
const Server *require_usable_server(Oid schema, std::string_view name) {
  const Server *server = find_server(name);
  const Oid owner = table_owner(require_table(schema, "b2_deletions"));
  if (object_aclcheck(ForeignServerRelationId, get_foreign_server_oid(NameStr(server->name), false),
                      owner, ACL_USAGE) != ACLCHECK_OK) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("the owner of b2_deletions has no right to use server \"%s\"",
                           NameStr(server->name)),
                    errhint("GRANT USAGE ON FOREIGN SERVER %s TO %s",
                            quote_identifier(NameStr(server->name)),
                            quote_identifier(GetUserNameFromId(owner, false)))));
  }
  require_allowed_endpoint(server);
  return server;
}

// That one server cannot be used must not keep the others from being worked on. An error ends the
// transaction in which nothing has been done yet.
const Server *find_usable_server(Maintenance *maintenance, std::string_view name) {
  const Server *volatile server = nullptr;
  ErrorData *volatile error = nullptr;
  MemoryContext caller = CurrentMemoryContext;
  PG_TRY();
  { server = require_usable_server(maintenance->schema, name); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(maintenance->per_batch);
    error = CopyErrorData();
    FlushErrorState();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(caller);
  if (server) return server;
  const bool is_for_this_server = error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT ||
                                  error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
  if (!is_for_this_server) ReThrowError(error);
  note_trouble(maintenance, {error->sqlerrcode, error->message, error->detail, error->hint});
  SPI_rollback();
  begin_batch();
  return nullptr;
}

DueEntries due_entries(const Maintenance &maintenance, const Server *server) {
  return {NameStr(server->name), time_before_now(maintenance.older_than), maintenance.batch_size};
}

TimestampTz expired_before(const Server *server) {
  return GetCurrentTimestamp() - static_cast<int64>(server->options.upload_grace) * USECS_PER_SEC;
}

void say_due(const Maintenance &maintenance, const Server *server) {
  const DueCounts counts =
      count_due(maintenance.schema, due_entries(maintenance, server), expired_before(server));
  ereport(NOTICE, (errmsg("server \"%s\": entries due: " INT64_FORMAT
                          ", uploads to be let go with their objects: " INT64_FORMAT,
                          NameStr(server->name), counts.deletions, counts.uploads)));
}

// Lets go of a batch of uploads. False where there are no more.
bool sweep(Maintenance *maintenance, const Server *server) {
  const uint64 count = sweep_uploads(maintenance->schema, NameStr(server->name),
                                     expired_before(server), maintenance->batch_size);
  maintenance->swept += count;
  return count > 0;
}

uint64 count_outcomes(std::span<const Deletion> deletions, Outcome outcome) {
  uint64 count = 0;
  for (const Deletion &deletion : deletions) count += deletion.outcome == outcome;
  return count;
}

// Deletes the objects of a batch of entries. False where there are no more, or where there is no
// point in going on.
bool work_off(Maintenance *maintenance, const Server *server) {
  // In SPI of its own, whose memory goes with the batch.
  SPI_connect();
  purge_deletions(maintenance->schema);
  const std::span<const BegunEntry> begun =
      begin_deletions(maintenance->schema, due_entries(*maintenance, server));
  SPI_finish();
  if (begun.empty()) return false;
  const NameData server_name = server->name;
  SPI_commit();
  begin_batch();

  // It can have been changed since.
  server = find_usable_server(maintenance, NameStr(server_name));
  if (!server) return false;
  SPI_connect();
  const std::span<Deletion> deletions = claim_deletions(maintenance->schema, server, begun);
  const DeleterResult result = delete_objects(server, deletions);
  const uint64 parked = settle_deletions(maintenance->schema, deletions);
  if (result.trouble) note_trouble(maintenance, *result.trouble);
  SPI_finish();
  maintenance->deleted += result.deleted;
  maintenance->done += count_outcomes(deletions, Outcome::kGone);
  ereport(NOTICE,
          (errmsg("server \"%s\": versions deleted: " UINT64_FORMAT ", entries done: " UINT64_FORMAT
                  ", refused: " UINT64_FORMAT,
                  NameStr(server->name), result.deleted, count_outcomes(deletions, Outcome::kGone),
                  count_outcomes(deletions, Outcome::kRefused))));
  if (parked > 0) {
    ereport(WARNING, (errmsg("server \"%s\": entries of b2_deletions parked: " UINT64_FORMAT,
                             NameStr(server->name), parked),
                      errdetail("They were refused so often that they are not tried any more."),
                      errhint("The column last_error says why. When the cause is mended, set "
                              "next_attempt_at to now().")));
  }
  return !result.trouble;
}

using Step = bool (*)(Maintenance *maintenance, const Server *server);

// Repeats a step, each time in a transaction of its own, until it has nothing more to do. False
// where the server cannot be used.
bool repeat(Maintenance *maintenance, std::string_view server_name, Step step) {
  bool goes_on = true;
  while (goes_on && !maintenance->is_over()) {
    MemoryContext caller = MemoryContextSwitchTo(maintenance->per_batch);
    const Server *server = find_usable_server(maintenance, server_name);
    if (server) goes_on = step(maintenance, server);
    MemoryContextSwitchTo(caller);
    if (!server) return false;
    end_batch(maintenance);
  }
  return true;
}

void maintain_server(Maintenance *maintenance, std::string_view server_name) {
  if (maintenance->is_dry_run) {
    say_due(*maintenance, require_usable_server(maintenance->schema, server_name));
  } else if (repeat(maintenance, server_name, sweep)) {
    repeat(maintenance, server_name, work_off);
  }
}

Statement select_servers = {
    "SELECT s.srvname FROM pg_catalog.pg_foreign_server s "
    "JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw "
    "WHERE w.fdwname = 'b2neon' AND ($1 IS NULL OR s.srvname = $1) ORDER BY s.srvname",
    1,
    {NAMEOID}};

std::span<std::string_view> find_servers(Oid schema, std::string_view only_server) {
  const Datum name = name_datum(only_server);
  const char is_null_flag = is_null(only_server) ? 'n' : ' ';
  SPI_connect();
  const uint64 count = execute(select_servers, schema, &name, &is_null_flag, false);
  std::string_view *servers =
      static_cast<std::string_view *>(SPI_palloc(count * sizeof(std::string_view) + 1));
  for (uint64 i = 0; i < count; i++) servers[i] = SpiRow(i).text(1);
  SPI_finish();
  return {servers, count};
}

// Nobody works on these.
void warn_of_missing_servers(Oid schema) {
  SPI_connect();
  const uint64 count = count_missing_servers(schema);
  SPI_finish();
  if (count == 0) return;
  ereport(WARNING,
          (errmsg("servers that entries of b2_deletions or b2_uploads name and that do not "
                  "exist: " UINT64_FORMAT,
                  count),
           errhint("SELECT * FROM b2_maintenance shows them. Entries wait until there is a server "
                   "of that name, or until they are changed.")));
}

void run(Maintenance *maintenance, std::span<const std::string_view> servers) {
  SPI_connect_ext(SPI_OPT_NONATOMIC);
  maintenance->per_batch =
      AllocSetContextCreate(CurrentMemoryContext, "b2neon batch", ALLOCSET_DEFAULT_SIZES);
  maintenance->whole = CurrentMemoryContext;
  if (!maintenance->is_dry_run) end_batch(maintenance);
  for (std::string_view server : servers) {
    if (!maintenance->is_over()) maintain_server(maintenance, server);
  }
  if (!maintenance->is_dry_run) {
    SPI_connect();
    purge_deletions(maintenance->schema);
    SPI_finish();
    end_batch(maintenance);
  }
  warn_of_missing_servers(maintenance->schema);
}

void require_own_transactions(FunctionCallInfo fcinfo) {
  const CallContext *context = reinterpret_cast<const CallContext *>(fcinfo->context);
  if (context && IsA(context, CallContext) && !context->atomic) return;
  ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                  errmsg("b2_maintain() cannot be called within a transaction block"),
                  errdetail("It commits as it goes, which a function cannot do either.")));
}

TimestampTz read_end(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(kTimeLimit)) return DT_NOEND;
  const int32 seconds = PG_GETARG_INT32(kTimeLimit);
  if (seconds < 1) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("time_limit must be at least 1 second, not %d", seconds)));
  }
  return GetCurrentTimestamp() + static_cast<int64>(seconds) * USECS_PER_SEC;
}

int32 read_batch_size(FunctionCallInfo fcinfo) {
  const int32 batch_size = required_int32(fcinfo, kBatchSize, "batch_size");
  if (batch_size < 1 || batch_size > kMaxBatchSize) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("batch_size must be between 1 and %d, not %d", kMaxBatchSize, batch_size)));
  }
  return batch_size;
}

// What is done stays done. The error is for whoever looks at the outcome of a scheduled job.
void raise_troubles(const Maintenance &maintenance) {
  if (maintenance.troubles == NIL) return;
  const Failure *first = static_cast<const Failure *>(linitial(maintenance.troubles));
  if (list_length(maintenance.troubles) == 1) raise(*first);
  StringInfoData detail;
  initStringInfo(&detail);
  ListCell *cell;
  foreach (cell, maintenance.troubles) {
    const Failure *trouble = static_cast<const Failure *>(lfirst(cell));
    appendStringInfo(&detail, "%s%s", detail.len > 0 ? "\n" : "", trouble->message);
    if (trouble->detail) appendStringInfo(&detail, ": %s", trouble->detail);
  }
  raise({first->sqlstate,
         psprintf("%d servers could not be worked on", list_length(maintenance.troubles)),
         detail.data, "CALL b2_maintain(server => ...) says more of a single one."});
}

}  // namespace

}  // namespace b2neon

/// CALL b2_maintain(batch_size, time_limit, older_than, dry_run, server): lets go of uploads that
/// can be registered no more, and deletes what is queued.
Datum b2_maintain(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  Maintenance maintenance = {};
  maintenance.schema = extension_schema(fcinfo);
  require_unconfined(maintenance.schema, "b2_maintain()");
  maintenance.batch_size = read_batch_size(fcinfo);
  maintenance.end = read_end(fcinfo);
  if (PG_ARGISNULL(kOlderThan)) required_text(fcinfo, kOlderThan, "older_than");  // raises
  maintenance.older_than = PG_GETARG_DATUM(kOlderThan);
  if (PG_ARGISNULL(kDryRun)) required_text(fcinfo, kDryRun, "dry_run");  // raises
  maintenance.is_dry_run = PG_GETARG_BOOL(kDryRun);
  const std::string_view only_server = optional_name(fcinfo, kServer);
  if (!is_null(only_server)) require_usable_server(maintenance.schema, only_server);
  require_lineage(maintenance.schema, "b2_maintain()");
  if (!maintenance.is_dry_run) {
    require_own_transactions(fcinfo);
    PreventCommandIfReadOnly("b2_maintain()");
  }
  const std::span<const std::string_view> servers = find_servers(maintenance.schema, only_server);
  run(&maintenance, servers);
  if (!maintenance.is_dry_run) {
    ereport(NOTICE, (errmsg("b2_maintain() is done: versions deleted: " UINT64_FORMAT
                            ", entries done: " UINT64_FORMAT ", uploads let go: " UINT64_FORMAT,
                            maintenance.deleted, maintenance.done, maintenance.swept)));
  }
  raise_troubles(maintenance);
  SPI_finish();
  PG_RETURN_VOID();
}
