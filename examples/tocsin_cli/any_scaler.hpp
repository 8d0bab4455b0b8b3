/// @file any_scaler.hpp
/// @brief Scaler that is chosen at run time.
#pragma once

#include "tocsin/series/scaler.hpp"

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace tocsin_cli {

enum class scaler_kind : std::uint8_t { standard, min_max, robust, identity };

/// One of the library's scalers (concept tocsin::scaler). Its file is that of the scaler inside, so
/// a program with that scaler compiled in can load it.
class any_scaler {
  public:
    using scalar_type = float;
    static constexpr int version = 1; ///< that of all scalers inside

    any_scaler() = default;
    explicit any_scaler(scaler_kind kind) { choose(kind); }

    /// Offset and scale from elsewhere; see tocsin::standard_scaler::set.
    tocsin::status set(const tocsin::column<float>& offset, const tocsin::column<float>& scale) {
        choose(scaler_kind::standard);
        return std::get<tocsin::standard_scaler<float>>(scaler_).set(offset, scale);
    }

    const char* name() const noexcept { return names[scaler_.index()]; }

    tocsin::status fit(const tocsin::windows<float>& training) {
        return std::visit([&](auto& inner) { return inner.fit(training); }, scaler_);
    }
    int features() const noexcept {
        return std::visit([](const auto& inner) { return inner.features(); }, scaler_);
    }
    bool fitted() const noexcept {
        return std::visit([](const auto& inner) { return inner.fitted(); }, scaler_);
    }
    void transform(Eigen::Ref<tocsin::matrix<float>> values) const noexcept {
        std::visit([&](const auto& inner) { inner.transform(values); }, scaler_);
    }
    void inverse(Eigen::Ref<tocsin::matrix<float>> values) const noexcept {
        std::visit([&](const auto& inner) { inner.inverse(values); }, scaler_);
    }

    /// What each feature is shifted by and divided by; null for the identity.
    template <class Visit>
    void visit_coefficients(Visit&& visit) const {
        std::visit(
            [&](const auto& inner) {
                if constexpr (requires { inner.offset(); }) {
                    visit(inner.offset(), inner.scale());
                }
            },
            scaler_);
    }

    /// The name of the scaler inside, first in a file.
    template <class Archive>
    void exchange_kind(Archive& archive, const char* name_in_file) {
        std::string stored = name();
        archive.text(name_in_file, stored);
        if constexpr (Archive::loading) {
            if (!archive.outcome().ok()) {
                return;
            }
            std::size_t kind = 0;
            while (kind < std::size(names) && stored != names[kind]) {
                ++kind;
            }
            if (kind == std::size(names)) {
                archive.fail(tocsin::status::error(tocsin::error_code::format_error,
                                                   "unknown scaler '", stored, '\''));
                return;
            }
            choose(static_cast<scaler_kind>(kind));
        }
    }
    template <class Archive>
    void exchange(Archive& archive) {
        std::visit([&](auto& inner) { inner.exchange(archive); }, scaler_);
    }

  private:
    static constexpr const char* names[] = {"standard", "min_max", "robust", "identity"};

    void choose(scaler_kind kind) {
        switch (kind) {
        case scaler_kind::standard:
            scaler_.emplace<0>();
            break;
        case scaler_kind::min_max:
            scaler_.emplace<1>();
            break;
        case scaler_kind::robust:
            scaler_.emplace<2>();
            break;
        case scaler_kind::identity:
            scaler_.emplace<3>();
            break;
        }
    }

    std::variant<tocsin::standard_scaler<float>, tocsin::min_max_scaler<float>,
                 tocsin::robust_scaler<float>, tocsin::identity_scaler<float>>
        scaler_;
};

static_assert(tocsin::scaler<any_scaler>);

} // namespace tocsin_cli
