#include "core/canonical_request.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/percent_encoding.h"
#include "core/writer.h"

namespace b2neon {

namespace {

int compare_ignoring_case(std::string_view a, std::string_view b) noexcept {
  size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; i++) {
    char x = to_ascii_lower(a[i]);
    char y = to_ascii_lower(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool header_precedes(const NameValue &a, const NameValue &b) noexcept {
  return compare_ignoring_case(a.name, b.name) < 0;
}

bool parameter_precedes(const NameValue &a, const NameValue &b) noexcept {
  int order = compare_percent_encoded(a.name, b.name);
  return order != 0 ? order < 0 : compare_percent_encoded(a.value, b.value) < 0;
}

// Spaces around a value do not count, and a run of them counts as one.
void write_header_value(Writer &out, std::string_view value) noexcept {
  bool first = true;
  while (true) {
    const size_t begin = value.find_first_not_of(' ');
    if (begin == std::string_view::npos) return;
    value.remove_prefix(begin);
    const std::string_view word = value.substr(0, value.find(' '));
    if (!first) out.text(" ");
    out.text(word);
    value.remove_prefix(word.size());
    first = false;
  }
}

size_t text_bound(std::string_view method, const SortedNameValues &parameters,
                  const SortedNameValues &headers, std::string_view signed_headers,
                  std::string_view payload_hash) noexcept {
  constexpr size_t kLineBreaks = 8;
  size_t bound = method.size() + signed_headers.size() + payload_hash.size() + kLineBreaks;
  for (const NameValue &parameter : parameters) {
    bound += percent_encoded_bound(parameter.name.size() + parameter.value.size()) + 2;
  }
  for (const NameValue &header : headers) bound += header.name.size() + header.value.size() + 2;
  return bound;
}

}  // namespace

SortedNameValues::SortedNameValues(Kind kind, std::span<const NameValue> of_request,
                                   std::span<const NameValue> of_signature) noexcept {
  const auto precedes = kind == Kind::kHeaders ? header_precedes : parameter_precedes;
  for (std::span<const NameValue> items : {of_signature, of_request}) {
    for (const NameValue &item : items) {
      // Insertion sort: the lists are short, and mostly sorted as they come.
      size_t i = count_++;
      for (; i > 0 && precedes(item, items_[i - 1]); i--) items_[i] = items_[i - 1];
      items_[i] = item;
    }
  }
}

// cppcheck-suppress uninitMemberVar ; no more of text_ is read than was written
SignedHeaders::SignedHeaders(const SortedNameValues &headers) noexcept {
  Writer out(text_);
  std::string_view separator = "";
  for (const NameValue &header : headers) {
    out.text(separator).lower(header.name);
    separator = ";";
  }
  size_ = out.size();
}

CanonicalRequest::CanonicalRequest(std::string_view method, const SortedNameValues &parameters,
                                   const SortedNameValues &headers, std::string_view signed_headers,
                                   std::string_view payload_hash)
    : text_(text_bound(method, parameters, headers, signed_headers, payload_hash), '\0') {
  Writer out(text_.data());
  out.text(method).text("\n");
  method_size_ = out.size();
  out.text("\n");
  query_ = out.size();
  std::string_view separator = "";
  for (const NameValue &parameter : parameters) {
    out.text(separator).encoded(parameter.name).text("=").encoded(parameter.value);
    separator = "&";
  }
  query_size_ = out.size() - query_;
  out.text("\n");
  for (const NameValue &header : headers) {
    out.lower(header.name).text(":");
    write_header_value(out, header.value);
    out.text("\n");
  }
  out.text("\n").text(signed_headers).text("\n").text(payload_hash);
  text_.resize(out.size());
}

bool CanonicalRequest::hash(std::string_view path, Digest &digest) {
  whole_.assign(text_, 0, method_size_).append(path).append(text_, method_size_);
  hash_.reset();
  hash_.update(whole_);
  return hash_.finish(digest);
}

}  // namespace b2neon
