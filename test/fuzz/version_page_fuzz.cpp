// What is read of a list of versions is as it was written; what is none is refused.

#include <cstdint>
#include <string>

#include "core/percent_encoding.h"
#include "core/version_page.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

std::string encoded(std::string_view text) {
  std::string made(percent_encoded_bound(text.size()), '\0');
  char *end = percent_encode_path(made.data(), text);
  made.resize(static_cast<size_t>(end - made.data()));
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  VersionPage page;
  if (read_version_page(text, page)) {
    for (const ObjectVersion &version : page.versions) {
      REQUIRE(!version.object_key.empty());
      REQUIRE(version.size >= 0);
    }
  }

  // The same bytes as a key.
  const std::string key = encoded(text);
  VersionPage made;
  const bool is_read =
      read_version_page("<ListVersionsResult><EncodingType>url</EncodingType><NextKeyMarker>" +
                            key + "</NextKeyMarker><DeleteMarker><Key>" + key +
                            "</Key></DeleteMarker></ListVersionsResult>",
                        made);
  REQUIRE(is_read == !text.empty());
  if (is_read) {
    REQUIRE(made.next_key_marker == text);
    REQUIRE(made.versions.size() == 1 && made.versions[0].object_key == text);
  }
  return 0;
}
