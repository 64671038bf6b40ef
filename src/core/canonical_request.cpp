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

size_t query_bound(const SortedNameValues &parameters) noexcept {
  size_t bound = 0;
  for (const NameValue &parameter : parameters) {
    bound += percent_encoded_bound(parameter.name.size() + parameter.value.size()) + 2;
  }
  return bound;
}

size_t tail_bound(const SortedNameValues &headers, std::string_view signed_headers,
                  std::string_view payload_hash) noexcept {
  size_t bound = signed_headers.size() + payload_hash.size() + 3;
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

bool follow_the_signature(std::span<const NameValue> parameters) noexcept {
  NameValue last = {"X-Amz-SignedHeaders", {}};
  for (const NameValue &parameter : parameters) {
    if (!parameter_precedes(last, parameter)) return false;
    last = parameter;
  }
  return true;
}

CanonicalRequest::CanonicalRequest(std::string_view method, const SortedNameValues &parameters,
                                   const SortedNameValues &headers, std::string_view signed_headers,
                                   std::string_view payload_hash)
    : method_(std::string(method) + "\n"),
      query_(query_bound(parameters), '\0'),
      tail_(tail_bound(headers, signed_headers, payload_hash), '\0') {
  Writer query(query_.data());
  std::string_view separator = "";
  for (const NameValue &parameter : parameters) {
    query.text(separator).parameter(parameter.name, parameter.value);
    separator = "&";
  }
  query_.resize(query.size());

  Writer tail(tail_.data());
  tail.text("\n");
  for (const NameValue &header : headers) {
    tail.lower(header.name).text(":");
    write_header_value(tail, header.value);
    tail.text("\n");
  }
  tail.text("\n").text(signed_headers).text("\n").text(payload_hash);
  tail_.resize(tail.size());
}

bool CanonicalRequest::hash(std::string_view path, std::string_view query, Digest &digest) {
  text_.assign(method_).append(path).append("\n").append(query).append(tail_);
  hash_.reset();
  return hash_.update(text_).finish(digest);
}

}  // namespace b2neon
