// Every key that a request can name comes back from an answer as it was; what is no answer to it is
// refused.

#include <cstdint>
#include <string>

#include "core/delete_objects.h"
#include "core/utf8.h"
#include "core/xml.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

class KeyVisitor final : public XmlVisitor {
 public:
  bool on_element(std::string_view path, std::string_view text) noexcept override {
    if (path == "Delete/Object/Key") key = text;
    return true;
  }

  std::string key;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  std::vector<DeleteFailure> failures;
  if (!read_delete_result(text, failures)) failures.clear();

  if (!is_utf8(text) || !can_be_named(text)) return 0;
  const DeletedObject object[1] = {{text, "v"}};
  DeleteRequest request;
  REQUIRE(make_delete_request(object, request));
  REQUIRE(request.content_md5.size() == 24);
  KeyVisitor visitor;
  REQUIRE(read_xml(request.body, visitor));
  REQUIRE(visitor.key == text);
  return 0;
}
