#include "pg/http.h"

namespace b2neon {

namespace {

// However long libcurl would wait, look up now and then.
constexpr long kMaxWaitMs = 1000;

extern "C" {

static void destroy_exchange(void *argument) {
  AdoptedExchange *adopted = static_cast<AdoptedExchange *>(argument);
  delete adopted->exchange;
  adopted->exchange = nullptr;
}

}  // extern "C"

// One client for the backend's life, for the connections that it keeps. Not inlined, so that the
// frame with PG_TRY has no object in it.
pg_noinline HttpClient *client() {
  static HttpClient *client;
  if (!client) client = HttpClient::create().release();
  if (!client) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  return client;
}

uint32 wait_event() {
#if PG_VERSION_NUM >= 170000
  static uint32 event = 0;
  if (event == 0) event = WaitEventExtensionNew("B2neonHttp");
  return event;
#else
  return PG_WAIT_EXTENSION;
#endif
}

WaitEventSet *create_wait_event_set(int size) {
#if PG_VERSION_NUM >= 170000
  return CreateWaitEventSet(CurrentResourceOwner, size);
#else
  return CreateWaitEventSet(CurrentMemoryContext, size);
#endif
}

void add_events(WaitEventSet *set, const HttpClient *client) {
  AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
  if (IsUnderPostmaster) {
    AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
  }
  for (const HttpClient::Socket &socket : client->sockets()) {
    const uint32 events = (socket.wants_read ? WL_SOCKET_READABLE : 0) |
                          (socket.wants_write ? WL_SOCKET_WRITEABLE : 0);
    if (events != 0) AddWaitEventToSet(set, events, socket.fd, nullptr, nullptr);
  }
}

// Waits once and tells the client what happened. The set of sockets changes with each step, so that
// a new WaitEventSet is made each time; that is cheap beside a network.
void wait_once(HttpClient *client) {
  WaitEvent events[HttpClient::kMaxSockets + 2];
  WaitEventSet *const set = create_wait_event_set(lengthof(events));
  volatile int count = 0;
  const long timeout = client->timeout_ms();
  PG_TRY();
  {
    add_events(set, client);
    count = WaitEventSetWait(set, timeout < 0 ? kMaxWaitMs : Min(timeout, kMaxWaitMs), events,
                             lengthof(events), wait_event());
  }
  PG_FINALLY();
  FreeWaitEventSet(set);
  PG_END_TRY();

  if (client->timeout_ms() == 0) client->on_timeout();
  for (int i = 0; i < count; i++) {
    if (events[i].events & WL_LATCH_SET) {
      ResetLatch(MyLatch);
    } else {
      client->on_socket(events[i].fd, (events[i].events & WL_SOCKET_READABLE) != 0,
                        (events[i].events & WL_SOCKET_WRITEABLE) != 0);
    }
  }
}

}  // namespace

AdoptedExchange *allocate_exchange() {
  AdoptedExchange *adopted = static_cast<AdoptedExchange *>(palloc0(sizeof(AdoptedExchange)));
  adopted->callback.func = destroy_exchange;
  adopted->callback.arg = adopted;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, &adopted->callback);
  return adopted;
}

void release(AdoptedExchange *adopted) {
  destroy_exchange(adopted);
}

void perform(AdoptedExchange *adopted) {
  HttpClient *http = client();
  PG_TRY();
  {
    http->start(*adopted->exchange);
    while (!adopted->exchange->done()) {
      CHECK_FOR_INTERRUPTS();
      wait_once(http);
    }
  }
  PG_CATCH();
  {
    release(adopted);
    PG_RE_THROW();
  }
  PG_END_TRY();
}

void require_answer(const AdoptedExchange *adopted, const char *server_name) {
  int code;
  switch (adopted->exchange->failure()) {
    case HttpFailure::kNone:
      return;
    case HttpFailure::kForbiddenAddress:
      ereport(
          ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("endpoint of server \"%s\" is at an address that is not allowed", server_name),
           errdetail("The host name leads to a private, loopback or link-local address."),
           errhint("Where that is meant, a superuser can add this very host to "
                   "b2neon.allowed_endpoints.")));
      return;
    case HttpFailure::kOutOfMemory:
      code = ERRCODE_OUT_OF_MEMORY;
      break;
    case HttpFailure::kNameLookup:
    case HttpFailure::kConnect:
    case HttpFailure::kTls:
      code = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
      break;
    case HttpFailure::kTooLarge:
      code = ERRCODE_PROTOCOL_VIOLATION;
      break;
    default:
      code = ERRCODE_CONNECTION_FAILURE;
  }
  ereport(ERROR, (errcode(code), errmsg("no answer from the store of server \"%s\"", server_name),
                  errdetail("The request failed: %s.", adopted->exchange->failure_text())));
}

}  // namespace b2neon
