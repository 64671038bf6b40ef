#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

EVP_PKEY *new_key() {
  EVP_PKEY *key = nullptr;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr);
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1);
  EVP_PKEY_keygen(context, &key);
  EVP_PKEY_CTX_free(context);
  return key;
}

X509 *self_signed(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char *>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

// Accepts one connection with a certificate that nobody vouches for.
class TlsServer {
 public:
  explicit TlsServer(int max_version) : max_version_(max_version), thread_([this] { run(); }) {}
  ~TlsServer() {
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return listener_.port(); }
  /// The protocols that the client has offered, each after its length, once the connection is over.
  const std::string &offered_protocols() {
    thread_.join();
    return offered_protocols_;
  }
  /// What came through the tunnel, once the connection is over.
  const std::string &received() {
    thread_.join();
    return received_;
  }

 private:
  static int take_note(SSL *, const unsigned char **, unsigned char *, const unsigned char *offered,
                       unsigned int size, void *server) {
    static_cast<TlsServer *>(server)->offered_protocols_.assign(
        reinterpret_cast<const char *>(offered), size);
    return SSL_TLSEXT_ERR_NOACK;
  }

  void run() {
    EVP_PKEY *key = new_key();
    X509 *certificate = self_signed(key);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_max_proto_version(context, max_version_);
    SSL_CTX_set_alpn_select_cb(context, take_note, this);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    const int fd = accept(listener_.fd(), nullptr, nullptr);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
      char buffer[1000];
      const int length = SSL_read(ssl, buffer, sizeof buffer);
      if (length > 0) received_.assign(buffer, static_cast<size_t>(length));
    }
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(context);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  int max_version_;
  Listener listener_;
  std::string received_;
  std::string offered_protocols_;
  std::thread thread_;
};

std::string https_url(int port) {
  return "https://127.0.0.1:" + std::to_string(port) + "/";
}

TEST(HttpTls, RefusesACertificateThatNobodyVouchesFor) {
  TlsServer server(TLS1_3_VERSION);
  {
    auto exchange = performed(local_get(https_url(server.port())));
    EXPECT_EQ(exchange->failure(), HttpFailure::kCertificate);
    EXPECT_NE(std::string(exchange->failure_text()).find("certificate"), std::string::npos)
        << exchange->failure_text();
  }
  EXPECT_EQ(server.received(), "");
}

TEST(HttpTls, OffersNoHttp2) {
  TlsServer server(TLS1_3_VERSION);
  performed(local_get(https_url(server.port())));
  EXPECT_EQ(server.offered_protocols(), "\x08http/1.1");
}

TEST(HttpTls, RefusesVersionsBelow12) {
  TlsServer server(TLS1_1_VERSION);
  auto exchange = performed(local_get(https_url(server.port())));
  // What it says of that is OpenSSL's choice, which differs from release to release.
  EXPECT_EQ(exchange->failure(), HttpFailure::kTls);
  EXPECT_STRNE(exchange->failure_text(), "");
}

TEST(HttpTls, FailsWhereTheServerSpeaksPlainHttp) {
  Listener listener;
  std::thread thread([&listener] {
    const int fd = accept(listener.fd(), nullptr, nullptr);
    (void)send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
    char buffer[1000];
    while (recv(fd, buffer, sizeof buffer, 0) > 0) continue;
    close(fd);
  });
  auto exchange = performed(local_get(https_url(listener.port())));
  thread.join();
  EXPECT_EQ(exchange->failure(), HttpFailure::kTls) << exchange->failure_text();
}

TEST(HttpTls, SaysThatItTimedOut) {
  Listener silent;
  HttpRequest request = local_get(https_url(silent.port()));
  request.request_timeout_ms = 200;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout);
  EXPECT_STREQ(exchange->failure_text(), "timed out while setting up TLS");
}

// PostgreSQL's own TLS connection to its client shares the queue.
TEST(HttpTls, LeavesNothingInOpensslsErrorQueue) {
  TlsServer server(TLS1_1_VERSION);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpExchange exchange(local_get(https_url(server.port())));
  perform(*client, exchange);
  EXPECT_EQ(exchange.failure(), HttpFailure::kTls);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace b2neon
