#include "tocsin/io/file_seal.hpp"
#include "tocsin/io/sha256.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

namespace {

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span{text});
}

std::string digest_of(std::string_view text) {
    return tocsin::detail::hexadecimal(tocsin::sha256::of(bytes(text)));
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("sha256: gives the digests of the standard's examples") {
        CHECK(digest_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        CHECK(digest_of("abc") ==
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        CHECK(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        CHECK(digest_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                        "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
              "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
        CHECK(digest_of(std::string(1000000, 'a')) ==
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    TEST_CASE("sha256: pieces give the digest of the whole, at every size around a block") {
        const std::string text(200, 'x');
        for (std::size_t size = 0; size <= text.size(); ++size) {
            for (const std::size_t piece : {1, 55, 56, 63, 64, 65}) {
                tocsin::sha256 hash;
                for (std::size_t at = 0; at < size; at += piece) {
                    hash.add(bytes(text).subspan(at, std::min(piece, size - at)));
                }
                CHECK(tocsin::detail::hexadecimal(hash.finish()) ==
                      digest_of(std::string_view{text}.substr(0, size)));
            }
        }
    }
}
