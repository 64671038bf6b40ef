#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "core/ascii.h"
#include "core/percent_encoding.h"

namespace b2neon {

/// A pointer that moves on as text is written. The caller has made enough room.
class Writer {
 public:
  explicit Writer(char *out) noexcept : start_(out), end_(out) {}

  Writer &text(std::string_view text) noexcept {
    memcpy(end_, text.data(), text.size());
    end_ += text.size();
    return *this;
  }
  Writer &encoded(std::string_view text) noexcept {
    end_ = percent_encode(end_, text);
    return *this;
  }
  Writer &encoded_path(std::string_view path) noexcept {
    end_ = percent_encode_path(end_, path);
    return *this;
  }
  Writer &parameter(std::string_view name, std::string_view value) noexcept {
    return encoded(name).text("=").encoded(value);
  }
  Writer &lower(std::string_view text) noexcept {
    for (char c : text) *end_++ = to_ascii_lower(c);
    return *this;
  }

  size_t size() const noexcept { return static_cast<size_t>(end_ - start_); }
  std::string_view since(size_t offset) const noexcept {
    return {start_ + offset, size() - offset};
  }

 private:
  char *start_;
  char *end_;
};

}  // namespace b2neon
