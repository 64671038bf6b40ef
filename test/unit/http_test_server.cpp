#include "unit/http_test_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace b2neon {

Listener::Listener(int backlog) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  signal(SIGPIPE, SIG_IGN);  // as PostgreSQL does
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(fd_, reinterpret_cast<sockaddr *>(&address), length) != 0 || listen(fd_, backlog) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr *>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
}

Listener::~Listener() {
  close(fd_);
}

FullListener::FullListener() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port()));
  for (int &fd : waiting_) {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
  }
}

FullListener::~FullListener() {
  for (int fd : waiting_) close(fd);
}

struct HttpTestServer::Connection {
  int fd;
  std::string in;
  std::string out;
  bool close_when_sent = false;
};

HttpTestServer::HttpTestServer(Handler handler) : handler_(std::move(handler)) {
  if (pipe2(wake_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  thread_ = std::thread([this] { run(); });
}

HttpTestServer::HttpTestServer(const std::string &bytes, bool close)
    : HttpTestServer([reply = Reply{bytes, close}](const std::string &) { return reply; }) {}

HttpTestServer::~HttpTestServer() {
  close(wake_[1]);
  thread_.join();
  close(wake_[0]);
}

std::vector<std::string> HttpTestServer::requests() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

void HttpTestServer::forget_requests() {
  std::lock_guard<std::mutex> lock(mutex_);
  requests_.clear();
}

void HttpTestServer::run() {
  std::vector<Connection> connections;
  while (true) {
    std::vector<pollfd> fds = {{wake_[0], POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
    for (const Connection &connection : connections) {
      const int events = connection.out.empty() ? POLLIN : POLLIN | POLLOUT;
      fds.push_back({connection.fd, static_cast<short>(events), 0});
    }
    poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) break;

    std::vector<Connection> kept;
    for (size_t i = 0; i < connections.size(); i++) {
      if (fds[i + 2].revents == 0 || serve(connections[i])) {
        kept.push_back(std::move(connections[i]));
      } else {
        close(connections[i].fd);
      }
    }
    connections = std::move(kept);
    if (fds[1].revents != 0) {
      const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        connection_count_++;
        connections.push_back({fd, "", "", false});
      }
    }
  }
  for (const Connection &connection : connections) close(connection.fd);
}

// False: the connection is over.
bool HttpTestServer::serve(Connection &connection) {
  char buffer[65536];
  const ssize_t received = recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (received == 0) return false;
  if (received > 0) connection.in.append(buffer, static_cast<size_t>(received));

  const size_t head_end = connection.in.find("\r\n\r\n");
  if (head_end != std::string::npos) {
    size_t length = head_end + 4;
    const size_t field = connection.in.find("Content-Length: ");
    if (field < head_end) {
      length += static_cast<size_t>(atol(connection.in.c_str() + field + 16));
    }
    if (connection.in.size() >= length) {
      const std::string request = connection.in.substr(0, length);
      connection.in.erase(0, length);
      {
        std::lock_guard<std::mutex> lock(mutex_);
        requests_.push_back(request);
      }
      const Reply reply = handler_(request);
      connection.out += reply.bytes;
      connection.close_when_sent = reply.close;
      if (reply.close && reply.bytes.empty()) return false;
    }
  }

  if (!connection.out.empty()) {
    const ssize_t sent =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    connection.out.erase(0, static_cast<size_t>(sent));
    if (connection.out.empty() && connection.close_when_sent) return false;
  }
  return true;
}

}  // namespace b2neon
