#pragma once

#include <curl/curl.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/header_lines.h"

namespace b2neon {

/// Why an exchange has no answer.
enum class HttpFailure {
  kNone,
  kNameLookup,
  kForbiddenAddress,  // the host is at a private address, and private addresses were not allowed
  kConnect,
  kTls,          // no agreement on how to talk, or the connection broke off meanwhile
  kCertificate,  // the host is not who it should be
  kTimeout,
  kBroken,     // the connection broke off, or the answer ended early
  kMalformed,  // what came was not HTTP
  kTooLarge,   // the answer exceeded the limits of the request
  kOutOfMemory,
};

/// A request that is ready to be sent. Header lines are `Name: value`.
struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<std::string> headers;
  std::string body;
  long connect_timeout_ms = 3000;
  long request_timeout_ms = 10000;  // the whole exchange
  bool allow_private_address = false;
  // False for what must not be sent twice: where a connection that is used again breaks, libcurl
  // sends the request once more by itself.
  bool may_reuse_connection = true;
  size_t max_body_size = 1 << 20;
};

class HttpClient;

/// One request and its answer. Its address must not change while it is under way.
class HttpExchange {
 public:
  explicit HttpExchange(HttpRequest request) : request_(std::move(request)) {}
  ~HttpExchange();
  HttpExchange(const HttpExchange &) = delete;
  HttpExchange &operator=(const HttpExchange &) = delete;

  /// Makes the time limits of a request that has not been started shorter.
  void limit_time(long milliseconds) noexcept;

  const std::string &method() const noexcept { return request_.method; }
  /// The path of the URL, without its query.
  std::string_view path() const noexcept;

  bool done() const noexcept { return done_; }
  /// Ends it as one that has timed out.
  void give_up() noexcept;

  HttpFailure failure() const noexcept { return failure_; }
  /// What went wrong, in libcurl's words and in printable ASCII. Never contains a header or a
  /// query.
  const char *failure_text() const noexcept { return failure_text_; }

  int status() const noexcept { return status_; }
  /// The value of the first header of that name, in any case; empty where there is none.
  std::string_view header(std::string_view name) const noexcept { return head_.value(name); }
  std::string_view body() const noexcept { return body_; }

 private:
  friend class HttpClient;

  bool prepare(bool must_connect, HttpClient *client) noexcept;
  void finish(CURLcode code) noexcept;
  void let_go() noexcept;
  void describe_timeout() noexcept;

  static size_t on_header(char *data, size_t size, size_t count, void *exchange) noexcept;
  static size_t on_body(char *data, size_t size, size_t count, void *exchange) noexcept;
  static curl_socket_t open_socket(void *exchange, curlsocktype purpose,
                                   curl_sockaddr *address) noexcept;

  HttpRequest request_;
  HttpClient *client_ = nullptr;  // while under way
  CURL *easy_ = nullptr;
  curl_slist *header_list_ = nullptr;

  bool opened_socket_ = false;
  bool waits_to_read_ = false;  // on the socket that was opened last
  bool done_ = false;
  HttpFailure failure_ = HttpFailure::kNone;
  char failure_text_[CURL_ERROR_SIZE] = "";
  int status_ = 0;
  HeaderLines head_;
  std::string body_;
};

/// An HTTP/1.1 client that never waits. It says which sockets it waits for and for how
/// long at the most; whoever owns the thread waits, and tells it what happened. Connections are
/// kept open and used again. It follows no redirect, uses no proxy, and verifies TLS certificates
/// always. (HTTP/2 would save
/// nothing here, and brings floods of frames that libcurl 7.88 reads for as long as they come.)
///
/// Must outlive the exchanges that it has started. Not safe for use from two threads. Nothing
/// throws.
class HttpClient {
 public:
  struct Socket {
    curl_socket_t fd;
    bool wants_read;
    bool wants_write;
  };

  /// The most connections at a time. The limit for new B2 accounts is 500 requests a second:
  /// https://www.backblaze.com/docs/cloud-storage-rate-limits
  static constexpr size_t kMaxConnections = 20;

  /// Returns nullptr when memory runs out.
  static std::unique_ptr<HttpClient> create() noexcept;
  ~HttpClient();
  HttpClient(const HttpClient &) = delete;
  HttpClient &operator=(const HttpClient &) = delete;

  /// Begins an exchange. It is done at once where it cannot even begin.
  void start(HttpExchange &exchange) noexcept;

  /// What is waited for. Changes with every call of the following two.
  std::span<const Socket> sockets() const noexcept { return sockets_; }

  /// How many sockets there are, also of connections that are kept for later.
  size_t count_open_sockets() noexcept;

  /// Milliseconds until on_timeout() wants to be called; -1: not at all.
  long timeout_ms() const noexcept;

  void on_timeout() noexcept;
  void on_socket(curl_socket_t fd, bool readable, bool writable) noexcept;

 private:
  friend class HttpExchange;
  using Clock = std::chrono::steady_clock;

  HttpClient() = default;
  void act(curl_socket_t fd, int events) noexcept;
  void note_open(curl_socket_t fd) noexcept;
  void shut_talking_sockets() noexcept;

  static int on_socket_interest(CURL *easy, curl_socket_t fd, int what, void *client,
                                void *) noexcept;
  static int close_socket(void *client, curl_socket_t fd) noexcept;
  static int on_timer(CURLM *multi, long timeout_ms, void *client) noexcept;

  CURLM *multi_ = nullptr;
  std::vector<Socket> sockets_;
  // libcurl 7.88 does not say of all sockets that they are closed, so each is known by its number
  // and inode.
  struct OpenSocket {
    curl_socket_t fd;
    ino_t inode;
  };
  std::vector<OpenSocket> open_sockets_;
  bool may_have_private_connections_ = false;
  bool timer_is_set_ = false;
  Clock::time_point timer_;
};

}  // namespace b2neon
