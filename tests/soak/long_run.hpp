/// @file long_run.hpp
/// @brief What long runs share: how long they are, whether memory grows, how far numbers are off.
#pragma once

#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace tocsin_test {

/// Samples of a run; a statistic takes all of them, a detector a share.
inline std::int64_t sample_count(std::int64_t share = 1) {
    const char* const given = std::getenv("TOCSIN_SOAK_SAMPLES");
    const auto all = given != nullptr ? static_cast<std::int64_t>(std::atof(given)) : 2'000'000;
    return std::max<std::int64_t>(all / share, 20'000);
}

/// Pages in memory times their size; 0 where the system does not say.
inline long long resident_bytes() {
    long long pages = 0;
    long long resident = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%lld %lld", &pages, &resident) != 2) {
            resident = 0;
        }
        std::fclose(file);
    }
    return resident * sysconf(_SC_PAGESIZE);
}

/// Memory does not grow between a tenth of a run and its end. Sanitizers keep memory of their own.
class flat_memory {
  public:
    void at(std::int64_t done, std::int64_t all) {
        if (done == all / 10) {
            begin_ = resident_bytes();
        }
    }
    ~flat_memory() {
        const long long grown = resident_bytes() - begin_;
        MESSAGE("resident memory grew by ", grown / 1024, " KiB");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        CHECK(grown < 4 * 1024 * 1024);
#endif
    }
    flat_memory() = default;
    flat_memory(const flat_memory&) = delete;
    flat_memory& operator=(const flat_memory&) = delete;

  private:
    long long begin_ = 0;
};

/// What a sensor with an offset and rare large values gives.
class sensor {
  public:
    double next() {
        const double value = 1000 + random_.normal();
        return random_() % 10007 == 0 ? value + 50 : value;
    }

  private:
    tocsin::random_generator random_{17};
};

/// Relative to the reference, or to a scale where that may be near 0.
inline void check_close(double value, long double reference, long double scale = 0) {
    const long double error = std::abs(static_cast<long double>(value) - reference) /
                              std::max(std::abs(reference), scale);
    CAPTURE(value);
    CHECK(static_cast<double>(error) <= 1e-6);
}

} // namespace tocsin_test
