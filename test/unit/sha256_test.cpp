#include "core/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

std::string hash(std::string_view text) {
  Digest digest;
  EXPECT_TRUE(Sha256().update(text).finish(digest));
  return std::string(view(to_hex(digest)));
}

// FIPS 180-2, appendix B, and NIST's examples
TEST(Sha256, AgreesWithTheVectorsOfNist) {
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(hash(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfNothingIsThatOfTheAwsExamples) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, DoesNotDependOnHowTheTextIsCut) {
  std::string text;
  for (int i = 0; i < 200; i++) text += static_cast<char>(i);
  const std::string whole = hash(text);
  for (size_t cut = 0; cut <= text.size(); cut++) {
    Digest digest;
    Sha256 state;
    state.update(std::string_view(text).substr(0, cut)).update(std::string_view(text).substr(cut));
    ASSERT_TRUE(state.finish(digest));
    ASSERT_EQ(view(to_hex(digest)), whole) << cut;
  }
}

TEST(Sha256, CanBeCopiedInTheMiddle) {
  Sha256 first;
  first.update("ab");
  Sha256 second(first);
  Digest digest;
  ASSERT_TRUE(first.update("d").finish(digest));
  EXPECT_EQ(view(to_hex(digest)), hash("abd"));
  ASSERT_TRUE(second.update("c").finish(digest));
  EXPECT_EQ(view(to_hex(digest)), hash("abc"));
}

TEST(Sha256, ThatFailedStaysFailed) {
  Digest digest;
  Sha256 state;
  state.fail();
  state.update("abc");
  EXPECT_FALSE(state.finish(digest));
}

TEST(Sha256, ThatFailedFailsInItsCopies) {
  Digest digest;
  Sha256 state;
  state.fail();
  Sha256 copy(state);
  EXPECT_FALSE(copy.update("abc").finish(digest));
}

TEST(HexDigest, HasTwoLowerCaseDigitsForEachByte) {
  Digest digest;
  for (size_t i = 0; i < digest.size(); i++) digest[i] = static_cast<unsigned char>(i * 8 + 7);
  EXPECT_EQ(view(to_hex(digest)),
            "070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff");
}

}  // namespace
}  // namespace b2neon
