#include "pg/http.h"

#include "core/http_calls.h"
#include "pg/failure.h"

namespace b2neon {

namespace {

// However long libcurl would wait, look up now and then.
constexpr long kMaxWaitMs = 1000;

extern "C" {

static void destroy_call(void *argument) {
  AdoptedCall *adopted = static_cast<AdoptedCall *>(argument);
  delete adopted->call;
  adopted->call = nullptr;
}

}  // extern "C"

// One client for the backend's life, for the connections that it keeps. Not inlined, so that the
// frame with PG_TRY has no object in it.
pg_noinline HttpClient *client() {
  static HttpClient *client;
  if (!client) client = HttpClient::create().release();
  if (!client) raise_out_of_memory();
  return client;
}

uint32 wait_event(const HttpCalls &calls) {
#if PG_VERSION_NUM >= 170000
  static uint32 answer_event = 0, retry_event = 0;
  if (answer_event == 0) answer_event = WaitEventExtensionNew("B2neonHttp");
  if (retry_event == 0) retry_event = WaitEventExtensionNew("B2neonRetry");
  return calls.only_waits_to_retry() ? retry_event : answer_event;
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
void wait_once(HttpClient *client, const HttpCalls &calls) {
  const int size = static_cast<int>(client->sockets().size()) + 2;
  WaitEvent *const events = static_cast<WaitEvent *>(palloc(size * sizeof(WaitEvent)));
  WaitEventSet *const set = create_wait_event_set(size);
  volatile int count = 0;
  const long timeout = calls.timeout_ms();
  PG_TRY();
  {
    add_events(set, client);
    count = WaitEventSetWait(set, timeout < 0 ? kMaxWaitMs : Min(timeout, kMaxWaitMs), events, size,
                             wait_event(calls));
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
  pfree(events);
}

// PostgreSQL keeps within the limit of open files by counting those of others too.
void account_for_sockets(HttpClient *client) {
  static size_t accounted = 0;
  const size_t open = client->count_open_sockets();
  for (; accounted < open; accounted++) ReserveExternalFD();
  for (; accounted > open; accounted--) ReleaseExternalFD();
}

void log_attempt(const HttpCall *call) {
  const HttpExchange *attempt = call->last_attempt();
  if (!attempt || !message_level_is_interesting(DEBUG1)) return;
  const std::string_view path = attempt->path();
  const long long took = call->last_attempt_took().count();
  if (attempt->failure() == HttpFailure::kNone) {
    ereport(DEBUG1, (errmsg_internal("b2neon: %s %.*s: status %d after %lld ms, attempt %d",
                                     attempt->method().c_str(), length(path), path.data(),
                                     attempt->status(), took, call->attempts())));
  } else {
    ereport(DEBUG1, (errmsg_internal("b2neon: %s %.*s: failed after %lld ms, attempt %d: %s",
                                     attempt->method().c_str(), length(path), path.data(), took,
                                     call->attempts(), attempt->failure_text())));
  }
}

}  // namespace

AdoptedCall *allocate_call() {
  AdoptedCall *adopted = static_cast<AdoptedCall *>(palloc0(sizeof(AdoptedCall)));
  adopted->callback.func = destroy_call;
  adopted->callback.arg = adopted;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, &adopted->callback);
  return adopted;
}

void release(AdoptedCall *adopted) {
  destroy_call(adopted);
}

void carry_out(std::span<AdoptedCall *const> adopted, bool (*ends_all)(const HttpCall &call)) {
  HttpClient *http = client();
  HttpCall **list = static_cast<HttpCall **>(palloc(adopted.size() * sizeof(HttpCall *) + 1));
  for (size_t i = 0; i < adopted.size(); i++) list[i] = adopted[i]->call;
  HttpCalls calls(*http, {list, adopted.size()});
  static_assert(std::is_trivially_destructible_v<HttpCalls>);
  PG_TRY();
  {
    bool is_over = false;
    while (!is_over) {
      CHECK_FOR_INTERRUPTS();
      while (const HttpCall *ended = calls.advance()) {
        log_attempt(ended);
        is_over = is_over || (ends_all && ended->done() && ends_all(*ended));
      }
      account_for_sockets(http);
      is_over = is_over || calls.done();
      if (!is_over) wait_once(http, calls);
    }
  }
  PG_CATCH();
  {
    for (AdoptedCall *call : adopted) release(call);
    account_for_sockets(http);
    PG_RE_THROW();
  }
  PG_END_TRY();
  pfree(list);
}

}  // namespace b2neon
