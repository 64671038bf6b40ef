#include "core/http_client.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/ascii.h"
#include "core/ip_address.h"
#include "core/signal_block.h"

namespace b2neon {

namespace {

HttpFailure classify(CURLcode code) noexcept {
  switch (code) {
    case CURLE_OK:
      return HttpFailure::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
      return HttpFailure::kNameLookup;
    case CURLE_COULDNT_CONNECT:
      return HttpFailure::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFailure::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
      return HttpFailure::kTls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpFailure::kCertificate;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return HttpFailure::kBroken;
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
      return HttpFailure::kTooLarge;
#endif
    case CURLE_OUT_OF_MEMORY:
      return HttpFailure::kOutOfMemory;
    default:
      return HttpFailure::kMalformed;
  }
}

}  // namespace

HttpExchange::~HttpExchange() {
  let_go();
}

// What libcurl keeps for an exchange is much larger than the answer.
void HttpExchange::let_go() noexcept {
  SignalBlock block;
  if (client_) curl_multi_remove_handle(client_->multi_, easy_);
  client_ = nullptr;
  curl_easy_cleanup(easy_);
  easy_ = nullptr;
  curl_slist_free_all(header_list_);
  header_list_ = nullptr;
  ERR_clear_error();
}

void HttpExchange::limit_time(long milliseconds) noexcept {
  request_.request_timeout_ms = std::min(request_.request_timeout_ms, milliseconds);
  request_.connect_timeout_ms = std::min(request_.connect_timeout_ms, milliseconds);
}

std::string_view HttpExchange::path() const noexcept {
  std::string_view url = request_.url;
  url = url.substr(0, url.find('?'));
  const size_t host = url.find("://");
  const size_t path = host == std::string_view::npos ? host : url.find('/', host + 3);
  return path == std::string_view::npos ? "/" : url.substr(path);
}

// Called by libcurl once for each line.
size_t HttpExchange::on_header(char *data, size_t size, size_t count, void *exchange) noexcept {
  auto *self = static_cast<HttpExchange *>(exchange);
  switch (self->head_.add({data, size * count})) {
    case HeaderLines::Added::kYes:
      return size * count;
    case HeaderLines::Added::kTooLarge:
      self->failure_ = HttpFailure::kTooLarge;
      return 0;
    case HeaderLines::Added::kOutOfMemory:
      self->failure_ = HttpFailure::kOutOfMemory;
      return 0;
  }
  return 0;
}

size_t HttpExchange::on_body(char *data, size_t size, size_t count, void *exchange) noexcept {
  auto *self = static_cast<HttpExchange *>(exchange);
  std::string_view bytes(data, size * count);
  if (bytes.size() > self->request_.max_body_size - self->body_.size()) {
    self->failure_ = HttpFailure::kTooLarge;
    return 0;
  }
  try {
    self->body_.append(bytes);
  } catch (...) {
    self->failure_ = HttpFailure::kOutOfMemory;
    return 0;
  }
  return bytes.size();
}

// The last moment at which the address is known and nothing has been sent to it.
curl_socket_t HttpExchange::open_socket(void *exchange, curlsocktype,
                                        curl_sockaddr *address) noexcept {
  auto *self = static_cast<HttpExchange *>(exchange);
  if (!self->request_.allow_private_address && !is_public_address(&address->addr)) {
    self->failure_ = HttpFailure::kForbiddenAddress;
    return CURL_SOCKET_BAD;
  }
  self->opened_socket_ = true;
  self->waits_to_read_ = false;
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0) self->client_->note_open(fd);
  return fd;
}

bool HttpExchange::prepare(bool must_connect, HttpClient *client) noexcept {
  easy_ = curl_easy_init();
  if (!easy_) return false;
  bool ok = true;
  auto set = [this, &ok](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(easy_, option, value) == CURLE_OK;
  };

  for (const std::string &line : request_.headers) {
    curl_slist *longer = curl_slist_append(header_list_, line.c_str());
    if (!longer) return false;
    header_list_ = longer;
  }
  if (!request_.body.empty()) {
    // libcurl would ask first whether a long body is welcome, and wait for an answer.
    curl_slist *longer = curl_slist_append(header_list_, "Expect:");
    if (!longer) return false;
    header_list_ = longer;
  }
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_HTTPHEADER, header_list_);
  set(CURLOPT_USERAGENT, "b2neon/" B2NEON_VERSION);
  // Dots in a key's path are part of the signature; libcurl must not tidy them up.
  set(CURLOPT_PATH_AS_IS, 1L);
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    // An upload of nothing has a length too, and stores want to be told.
    if (!request_.body.empty() || request_.method == "PUT") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      set(CURLOPT_POSTFIELDS, request_.body.data());
    }
  }

  set(CURLOPT_CONNECTTIMEOUT_MS, request_.connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, request_.request_timeout_ms);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FRESH_CONNECT, must_connect || !request_.may_reuse_connection ? 1L : 0L);

#if LIBCURL_VERSION_NUM >= 0x075500
  set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // not even one from the environment
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  // Without it, giving up waits for a name look-up that hangs.
  set(CURLOPT_QUICK_EXIT, 1L);
#endif

  set(CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void *>(this));
  set(CURLOPT_WRITEFUNCTION, &HttpExchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void *>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &HttpExchange::open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void *>(this));
  // A connection outlives the exchange that made it.
  set(CURLOPT_CLOSESOCKETFUNCTION, &HttpClient::close_socket);
  set(CURLOPT_CLOSESOCKETDATA, static_cast<void *>(client));
  set(CURLOPT_ERRORBUFFER, failure_text_);
  set(CURLOPT_PRIVATE, static_cast<void *>(this));
  return ok;
}

// libcurl says only how long it waited, and its versions disagree on the times of steps that were
// not reached. So the step that it was stuck in is told from what it did: open a socket, wait on it
// for the peer's part of a TLS handshake, send the request, and get the first byte of the answer.
void HttpExchange::describe_timeout() noexcept {
  long sent = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &sent);
  double first_byte = 0;
  curl_easy_getinfo(easy_, CURLINFO_STARTTRANSFER_TIME, &first_byte);
  const char *step = "reading the answer";
  if (sent == 0) {
    step = !opened_socket_   ? "looking up the host name"
           : !waits_to_read_ ? "connecting"
                             : "setting up TLS";
  } else if (first_byte <= 0) {
    step = "waiting for an answer";
  }
  snprintf(failure_text_, sizeof failure_text_, "timed out while %s", step);
}

void HttpExchange::finish(CURLcode code) noexcept {
  // A reason that a callback has given says more than libcurl's "callback failed".
  const bool callback_failed = failure_ != HttpFailure::kNone && code != CURLE_OK;
  if (!callback_failed) failure_ = classify(code);
  // libcurl takes what it has got for the answer, where there can be no body and the connection
  // ends.
  if (code == CURLE_OK && !head_.is_complete()) {
    failure_ = HttpFailure::kBroken;
    snprintf(failure_text_, sizeof failure_text_, "the connection ended inside the headers");
  }
#if LIBCURL_VERSION_NUM < 0x080600
  // What older versions say of a header line of more than 100 kB.
  long sent = 0;
  if (code == CURLE_OUT_OF_MEMORY && easy_ &&
      curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent > 0) {
    failure_ = HttpFailure::kTooLarge;
  }
#endif
  switch (failure_) {
    case HttpFailure::kNone: {
      long response_code = 0;
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &response_code);
      status_ = static_cast<int>(response_code);
      break;
    }
    case HttpFailure::kTimeout:
      describe_timeout();
      break;
    case HttpFailure::kForbiddenAddress:
      snprintf(failure_text_, sizeof failure_text_, "the host is at a private address");
      break;
    case HttpFailure::kTooLarge:
      snprintf(failure_text_, sizeof failure_text_, "the answer is too large");
      break;
    case HttpFailure::kOutOfMemory:
      snprintf(failure_text_, sizeof failure_text_, "out of memory");
      break;
    default:
      if (failure_text_[0] == '\0') {
        snprintf(failure_text_, sizeof failure_text_, "%s", curl_easy_strerror(code));
      }
  }
  // It can quote the other side, a certificate for example.
  make_printable({failure_text_, strlen(failure_text_)});
  done_ = true;
}

void HttpExchange::give_up() noexcept {
  failure_ = HttpFailure::kNone;
  finish(CURLE_OPERATION_TIMEDOUT);
  let_go();
}

std::unique_ptr<HttpClient> HttpClient::create() noexcept {
  SignalBlock block;
  if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) return nullptr;
  std::unique_ptr<HttpClient> client(new (std::nothrow) HttpClient);
  if (!client) return nullptr;
  client->multi_ = curl_multi_init();
  if (!client->multi_) return nullptr;
  curl_multi_setopt(client->multi_, CURLMOPT_SOCKETFUNCTION, &HttpClient::on_socket_interest);
  curl_multi_setopt(client->multi_, CURLMOPT_SOCKETDATA, client.get());
  curl_multi_setopt(client->multi_, CURLMOPT_TIMERFUNCTION, &HttpClient::on_timer);
  curl_multi_setopt(client->multi_, CURLMOPT_TIMERDATA, client.get());
#if LIBCURL_VERSION_NUM >= 0x081400
  curl_multi_setopt(client->multi_, CURLMOPT_QUICK_EXIT, 1L);
#endif
  curl_multi_setopt(client->multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(kMaxConnections));
  curl_multi_setopt(client->multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(kMaxConnections));
  return client;
}

HttpClient::~HttpClient() {
  SignalBlock block;
  curl_multi_cleanup(multi_);
  ERR_clear_error();
}

void HttpClient::start(HttpExchange &exchange) noexcept {
  SignalBlock block;
  shut_talking_sockets();
  // Only new connections have their address looked at, and one that was made where private
  // addresses are allowed must not carry an exchange for which they are not.
  if (exchange.request_.allow_private_address) may_have_private_connections_ = true;
  const bool must_connect =
      may_have_private_connections_ && !exchange.request_.allow_private_address;
  if (!exchange.prepare(must_connect, this) ||
      curl_multi_add_handle(multi_, exchange.easy_) != CURLM_OK) {
    exchange.finish(CURLE_OUT_OF_MEMORY);
    return;
  }
  exchange.client_ = this;
}

long HttpClient::timeout_ms() const noexcept {
  if (!timer_is_set_) return -1;
  auto rest = std::chrono::ceil<std::chrono::milliseconds>(timer_ - Clock::now()).count();
  return static_cast<long>(std::max<decltype(rest)>(rest, 0));
}

void HttpClient::on_timeout() noexcept {
  timer_is_set_ = false;
  act(CURL_SOCKET_TIMEOUT, 0);
}

void HttpClient::on_socket(curl_socket_t fd, bool readable, bool writable) noexcept {
  act(fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
}

void HttpClient::act(curl_socket_t fd, int events) noexcept {
  SignalBlock block;
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);

  int remaining = 0;
  while (CURLMsg *message = curl_multi_info_read(multi_, &remaining)) {
    if (message->msg != CURLMSG_DONE) continue;
    void *private_data = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_data);
    auto *exchange = static_cast<HttpExchange *>(private_data);
    exchange->finish(message->data.result);
    // Takes the connection back for others; `message` is gone after this.
    exchange->let_go();
  }
  // OpenSSL's error queue is shared with PostgreSQL's own TLS connection to the client.
  ERR_clear_error();
}

namespace {

// False where the file descriptor is not open.
bool find_inode(int fd, ino_t &inode) noexcept {
  struct stat status;
  if (fstat(fd, &status) != 0) return false;
  inode = status.st_ino;
  return true;
}

}  // namespace

void HttpClient::note_open(curl_socket_t fd) noexcept {
  OpenSocket opened = {fd, 0};
  if (!find_inode(fd, opened.inode)) return;
  try {
    open_sockets_.push_back(opened);
  } catch (...) {
    // It is only for counting.
  }
}

size_t HttpClient::count_open_sockets() noexcept {
  std::erase_if(open_sockets_, [](const OpenSocket &socket) {
    ino_t inode;
    return !find_inode(socket.fd, inode) || inode != socket.inode;
  });
  return open_sockets_.size();
}

// Nothing is to be read from a connection that nobody uses. If there is, it is the end of the
// connection, or bytes that would be taken for the next answer. libcurl finds out about the end.
void HttpClient::shut_talking_sockets() noexcept {
  count_open_sockets();
  for (const OpenSocket &socket : open_sockets_) {
    const bool is_in_use = std::any_of(sockets_.begin(), sockets_.end(),
                                       [&](const Socket &s) { return s.fd == socket.fd; });
    pollfd state = {socket.fd, POLLIN, 0};
    if (is_in_use || poll(&state, 1, 0) != 1) continue;
    shutdown(socket.fd, SHUT_RDWR);
    char bytes[4096];
    while (recv(socket.fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
  }
}

int HttpClient::on_socket_interest(CURL *easy, curl_socket_t fd, int what, void *client,
                                   void *) noexcept {
  auto *self = static_cast<HttpClient *>(client);
  std::vector<Socket> &sockets = self->sockets_;
  auto found =
      std::find_if(sockets.begin(), sockets.end(), [fd](const Socket &s) { return s.fd == fd; });
  if (what == CURL_POLL_REMOVE) {
    if (found != sockets.end()) sockets.erase(found);
    return 0;
  }
  if (found == sockets.end()) {
    try {
      found = sockets.insert(sockets.end(), Socket());
    } catch (...) {
      return -1;
    }
  }
  if (what & CURL_POLL_IN) {
    void *exchange = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    if (exchange) static_cast<HttpExchange *>(exchange)->waits_to_read_ = true;
  }
  *found = {fd, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0};
  return 0;
}

int HttpClient::close_socket(void *client, curl_socket_t fd) noexcept {
  auto *self = static_cast<HttpClient *>(client);
  std::erase_if(self->open_sockets_, [fd](const OpenSocket &socket) { return socket.fd == fd; });
  return close(fd);
}

int HttpClient::on_timer(CURLM *, long timeout_ms, void *client) noexcept {
  auto *self = static_cast<HttpClient *>(client);
  self->timer_is_set_ = timeout_ms >= 0;
  if (self->timer_is_set_) self->timer_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

}  // namespace b2neon
