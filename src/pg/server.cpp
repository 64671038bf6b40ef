#include "pg/server.h"

#include "core/percent_encoding.h"
#include "pg/arguments.h"
#include "pg/invalidation.h"
#include "pg/settings.h"

namespace b2neon {

namespace {

constexpr const char *kWrapperName = "b2neon";

struct CacheKey {
  NameData name;
  Oid role;
};

struct CacheEntry {
  CacheKey key;  // first, as dynahash wants it
  MemoryContext context;
  Server *server;
  uint64_t generation;
};

HTAB *cache;
CacheEntry *last_entry;  // most calls are for the same server as the one before
MemoryContext retired;   // parent of what was replaced within this transaction
uint64_t purged_generation;

void forget(CacheEntry *entry) {
  CacheKey key = entry->key;
  last_entry = nullptr;
  hash_search(cache, &key, HASH_REMOVE, nullptr);
}

extern "C" {

// Runs when the context of a server goes, and takes its keys out of memory.
static void destroy_signers(void *argument) {
  Server *server = static_cast<Server *>(argument);
  if (server->upload_signer != server->signer) delete server->upload_signer;
  delete server->signer;
}

// No call is under way when a transaction ends, so nothing points at what is out of date.
static void on_transaction_end(XactEvent event, void *) {
  switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_PARALLEL_ABORT:
      break;
    default:
      return;
  }
  MemoryContextReset(retired);
  if (purged_generation == catalog_generation()) return;
  purged_generation = catalog_generation();
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, cache);
  while (void *found = hash_seq_search(&scan)) {
    CacheEntry *entry = static_cast<CacheEntry *>(found);
    if (entry->generation == purged_generation) continue;
    MemoryContextDelete(entry->context);
    forget(entry);
  }
}

// PostgreSQL frees no memory when a backend ends.
static void on_backend_exit(int, Datum) {
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, cache);
  while (void *found = hash_seq_search(&scan)) {
    MemoryContextDelete(static_cast<CacheEntry *>(found)->context);
  }
  MemoryContextReset(retired);
}

}  // extern "C"

void create_cache() {
  retired = AllocSetContextCreate(TopMemoryContext, "b2neon servers replaced in this transaction",
                                  ALLOCSET_SMALL_SIZES);
  HASHCTL control = {};
  control.keysize = sizeof(CacheKey);
  control.entrysize = sizeof(CacheEntry);
  control.hcxt = TopMemoryContext;
  HTAB *table = hash_create("b2neon servers", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  RegisterXactCallback(on_transaction_end, nullptr);
  on_proc_exit(on_backend_exit, static_cast<Datum>(0));
  cache = table;
}

ForeignServer *require_foreign_server(const char *name) {
  ForeignServer *foreign_server = GetForeignServerByName(name, true);
  if (!foreign_server || !is_bucket(foreign_server)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT),
             foreign_server ? errmsg("server \"%s\" is not a server of b2neon", name)
                            : errmsg("server \"%s\" does not exist", name),
             foreign_server || *name == '\0'
                 ? errhint("Name another one in the call or in b2neon.server.")
                 : errhint("Create one with CREATE SERVER %s FOREIGN DATA WRAPPER b2neon OPTIONS "
                           "(endpoint 'https://s3.REGION.backblazeb2.com', bucket 'NAME'), or name "
                           "another one in the call or in b2neon.server.",
                           quote_identifier(name))));
  }
  const AclResult access =
      object_aclcheck(ForeignServerRelationId, foreign_server->serverid, GetUserId(), ACL_USAGE);
  if (access != ACLCHECK_OK) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied for foreign server %s", name),
                    errhint("Its owner can GRANT USAGE ON FOREIGN SERVER %s TO %s.",
                            quote_identifier(name),
                            quote_identifier(GetUserNameFromId(GetUserId(), false)))));
  }
  return foreign_server;
}

// The options of the role's mapping; NIL where it has none. The catalog is read and not the catalog
// cache, which would keep the application key in memory for as long as nothing changes.
List *mapping_options(Oid role, Oid server) {
  ScanKeyData key[2];
  ScanKeyInit(&key[0], Anum_pg_user_mapping_umuser, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(role));
  ScanKeyInit(&key[1], Anum_pg_user_mapping_umserver, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(server));
  Relation catalog = table_open(UserMappingRelationId, AccessShareLock);
  SysScanDesc scan =
      systable_beginscan(catalog, UserMappingUserServerIndexId, true, nullptr, lengthof(key), key);
  HeapTuple tuple = systable_getnext(scan);
  List *options = NIL;
  if (HeapTupleIsValid(tuple)) {
    bool is_null;
    const Datum value =
        heap_getattr(tuple, Anum_pg_user_mapping_umoptions, RelationGetDescr(catalog), &is_null);
    if (!is_null) options = option_list(value);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return options;
}

// The options of the current role's own mapping, or else of the one for PUBLIC.
List *require_mapping_options(const ForeignServer *foreign_server) {
  List *options = mapping_options(GetUserId(), foreign_server->serverid);
  if (options == NIL) options = mapping_options(InvalidOid, foreign_server->serverid);
  if (options == NIL) {
    const char *name = quote_identifier(foreign_server->servername);
    ereport(
        ERROR,
        (errcode(ERRCODE_UNDEFINED_OBJECT),
         errmsg("no application key for server \"%s\" and role \"%s\"", foreign_server->servername,
                GetUserNameFromId(GetUserId(), false)),
         errhint("The server's owner can CREATE USER MAPPING FOR PUBLIC SERVER %s OPTIONS (key_id "
                 "'KEY_ID', application_key 'KEY').",
                 name)));
  }
  return options;
}

Signer *create_signer(const ServerOptions &options, std::string_view key_id,
                      std::string_view application_key) {
  BucketAccess access;
  access.endpoint = options.endpoint;
  access.bucket = options.bucket;
  access.region = options.region;
  access.url_style = options.url_style;
  access.key_id = key_id;
  access.application_key = application_key;
  Signer *signer = Signer::create(access).release();
  if (!signer) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  return signer;
}

// Lists of option texts are in `context`; those of the mapping, with the secret, are wiped.
Server *load_server(const char *name, MemoryContext context) {
  MemoryContext caller = MemoryContextSwitchTo(context);
  Server *server = static_cast<Server *>(palloc0(sizeof(Server)));
  MemoryContextCallback *callback =
      static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));
  callback->func = destroy_signers;
  callback->arg = server;
  MemoryContextRegisterResetCallback(context, callback);

  ForeignServer *foreign_server = require_foreign_server(name);
  namestrcpy(&server->name, foreign_server->servername);
  server->options = read_server_options(foreign_server->options);

  List *options = require_mapping_options(foreign_server);
  const MappingOptions mapping = read_mapping_options(options);
  server->signer = create_signer(server->options, mapping.key_id, mapping.application_key);
  server->upload_signer =
      is_null(mapping.upload_key_id)
          ? server->signer
          : create_signer(server->options, mapping.upload_key_id, mapping.upload_application_key);
  wipe_options(options);
  MemoryContextSwitchTo(caller);
  return server;
}

// Case counts neither in the names of hosts nor, at B2, in those of buckets:
// https://www.backblaze.com/docs/cloud-storage-create-and-manage-buckets
bool is_same_name(std::string_view one, std::string_view other) {
  return one.size() == other.size() && pg_strncasecmp(one.data(), other.data(), one.size()) == 0;
}

bool is_same_bucket(const ServerOptions &one, const ServerOptions &other) {
  return one.endpoint.port == other.endpoint.port && is_same_name(one.bucket, other.bucket) &&
         is_same_name(one.endpoint.host, other.endpoint.host);
}

const Server *find_by_key(const CacheKey &key) {
  const uint64_t generation = catalog_generation();
  if (!cache) create_cache();

  CacheEntry *entry = static_cast<CacheEntry *>(hash_search(cache, &key, HASH_FIND, nullptr));
  if (entry && entry->generation != generation) {
    // Somebody further up the stack may still use it.
    MemoryContextSetParent(entry->context, retired);
    forget(entry);
    entry = nullptr;
  }
  if (!entry) {
    // While it is being made it belongs to the caller's context, and goes with it on error.
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "b2neon server", ALLOCSET_SMALL_SIZES);
    Server *server = load_server(NameStr(key.name), context);
    entry = static_cast<CacheEntry *>(hash_search(cache, &key, HASH_ENTER, nullptr));
    MemoryContextSetParent(context, TopMemoryContext);
    entry->context = context;
    entry->server = server;
    entry->generation = generation;
  }
  last_entry = entry;
  return entry->server;
}

}  // namespace

bool is_bucket(const ForeignServer *server) {
  return strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, kWrapperName) == 0;
}

const Server *find_server(std::string_view name) {
  if (is_null(name)) name = default_server_name();
  if (last_entry && last_entry->generation == catalog_generation() &&
      last_entry->key.role == GetUserId() && name == NameStr(last_entry->key.name)) {
    return last_entry->server;
  }
  CacheKey key = {};
  // Longer names are cut, as everywhere in PostgreSQL.
  memcpy(NameStr(key.name), name.data(), Min(name.size(), static_cast<size_t>(NAMEDATALEN - 1)));
  key.role = GetUserId();
  return find_by_key(key);
}

const Server *find_server_argument(FunctionCallInfo fcinfo, int argument) {
  return find_server(optional_name(fcinfo, argument));
}

List *servers_of_other_buckets(const Server *server) {
  Relation catalog = table_open(ForeignServerRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
  List *names = NIL;
  while (HeapTuple tuple = systable_getnext(scan)) {
    const ForeignServer *other =
        GetForeignServer(reinterpret_cast<Form_pg_foreign_server>(GETSTRUCT(tuple))->oid);
    if (is_bucket(other) && !is_same_bucket(server->options, read_server_options(other->options))) {
      names = lappend(names, other->servername);
    }
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return names;
}

std::string_view public_file_url(const Server *server, std::string_view object_key) {
  const ServerOptions &options = server->options;
  if (!options.is_public) return {};
  StringInfoData url;
  initStringInfo(&url);
  if (is_null(options.public_url)) {
    appendBinaryStringInfo(&url, options.endpoint_url.data(), length(options.endpoint_url));
    appendStringInfoChar(&url, '/');
    appendBinaryStringInfo(&url, options.bucket.data(), length(options.bucket));
  } else {
    appendBinaryStringInfo(&url, options.public_url.data(), length(options.public_url));
  }
  appendStringInfoChar(&url, '/');
  enlargeStringInfo(&url, static_cast<int>(percent_encoded_bound(object_key.size())));
  char *end = percent_encode_path(url.data + url.len, object_key);
  return {url.data, static_cast<size_t>(end - url.data)};
}

}  // namespace b2neon
