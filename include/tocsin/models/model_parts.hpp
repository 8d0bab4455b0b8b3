/// @file model_parts.hpp
/// @brief Shared operations on the parts (layers) of a model: checking, naming, describing to an
/// archive.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <span>
#include <tuple>
#include <utility>

namespace tocsin::detail {

/// The first failure of a list of checks, or success.
inline status first_failure(std::initializer_list<status> checks) noexcept {
    for (const status& check : checks) {
        if (!check.ok()) {
            return check;
        }
    }
    return {};
}

/// Fails, naming both sizes, unless two parts of a model fit together.
inline status require_equal(const char* model, const char* what, int one, int other) noexcept {
    return one == other ? status{}
                        : status::error(error_code::invalid_argument, model, ": ", what, ": ", one,
                                        " and ", other, " differ");
}

/// Fails, naming the network, unless it gives one step for each that it reads and keeps no statistics
/// of a batch: rows are judged by themselves.
template <class Network>
status check_row_network(const char* model, const char* what, const Network& network) noexcept {
    constexpr int steps = 7; // any number that layers change
    if (network.output_time(steps) != steps) {
        return status::error(error_code::invalid_argument, model, ": the ", what, " makes ",
                             network.output_time(steps), " steps of ", steps,
                             "; it must keep their number");
    }
    return network.statistics_count() == 0
               ? status{}
               : status::error(error_code::invalid_argument, model, ": the ", what,
                               " has a layer that keeps statistics, such as batch normalisation");
}

/// Takes a sequence from a work area.
template <class Scalar>
sequence_view<Scalar> take_sequence(work_area<Scalar>& rest, int features, int batch,
                                    int time) noexcept {
    return {rest.take(index_t{features} * batch * time).data(), features, batch, time};
}

/// Visits the parameter blocks of a part that starts at `first`, as `part.block`.
template <class Visit, class Part>
void visit_part(Visit& visit, const char* name, index_t first, const Part& part) {
    part.for_each_parameter_block(
        [&](const char* block, index_t offset, index_t rows, index_t cols) {
            char full_name[48];
            if (std::snprintf(full_name, sizeof full_name, "%s.%s", name, block) < 0) {
                full_name[0] = '\0'; // cannot be: the format has no wide characters
            }
            visit(static_cast<const char*>(full_name), first + offset, rows, cols);
        });
}

/// Visits the parameter blocks of all networks of a model, as `network.block`.
template <class Model, class Visit>
void visit_networks(const Model& model, Visit& visit) {
    model.for_each_network([&](const char* name, index_t first, const auto& network) {
        visit_part(visit, name, first, network);
    });
}
/// Draws the parameters of all networks of a model, in their order.
template <class Model, class Scalar>
void initialise_networks(const Model& model, std::span<Scalar> all, random_generator& random) {
    model.for_each_network([&](const char*, index_t first, const auto& network) {
        network.initialise(slice(all, first, network.parameter_count()), random);
    });
}

/// The parts of a model, which follow one another in its parameters and in its packed weights: where
/// each begins, and what is done to all of them alike. Parts are held by reference unless they are
/// temporary.
template <class... Parts>
class part_list {
  public:
    using names_type = std::array<const char*, sizeof...(Parts)>;

    constexpr part_list(names_type part_names, Parts... parts) noexcept
        : names_{part_names}, parts_{std::forward<Parts>(parts)...} {}

    /// Where the parameters of part `Part` begin; for the number of parts, where they end.
    template <std::size_t Part>
    constexpr index_t parameters_of() const noexcept {
        return [&]<std::size_t... K>(std::index_sequence<K...>) {
            return (index_t{0} + ... + std::get<K>(parts_).parameter_count());
        }(std::make_index_sequence<Part>{});
    }
    /// The same for its packed weights.
    template <std::size_t Part>
    constexpr index_t packed_of() const noexcept {
        return [&]<std::size_t... K>(std::index_sequence<K...>) {
            return (index_t{0} + ... + std::get<K>(parts_).packed_size());
        }(std::make_index_sequence<Part>{});
    }
    constexpr index_t parameter_count() const noexcept { return parameters_of<count>(); }
    constexpr index_t packed_size() const noexcept { return packed_of<count>(); }

    template <class Visit>
    void for_each_parameter_block(Visit& visit) const {
        for_each([&](const char* name, index_t parameters, index_t /*packed*/, const auto& part) {
            visit_part(visit, name, parameters, part);
        });
    }
    template <class Scalar>
    void initialise(std::span<Scalar> all, random_generator& random) const {
        for_each([&](const char* /*name*/, index_t parameters, index_t /*packed*/,
                     const auto& part) { part.initialise(slice(all, parameters), random); });
    }
    template <class Scalar>
    void pack(std::span<const Scalar> all, std::span<Scalar> all_packed) const noexcept {
        for_each([&](const char* /*name*/, index_t parameters, index_t packed, const auto& part) {
            part.pack(slice(all, parameters), slice(all_packed, packed));
        });
    }

  private:
    static constexpr std::size_t count = sizeof...(Parts);

    /// Calls `visit(name, first parameter, first packed weight, part)` for each part in order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (visit(names_[K], parameters_of<K>(), packed_of<K>(), std::get<K>(parts_)), ...);
        }(std::make_index_sequence<count>{});
    }

    names_type names_;
    std::tuple<Parts...> parts_;
};

/// A list of parts from their names and the parts.
template <class... Parts>
constexpr part_list<Parts...> list_parts(std::array<const char*, sizeof...(Parts)> names,
                                         Parts&&... parts) noexcept {
    return {names, std::forward<Parts>(parts)...};
}

/// Describes a part to an archive under its name.
template <class Archive, class Part>
void exchange_part(Archive& archive, const char* name, Part& part) {
    const auto scope = archive.scope(name);
    part.exchange(archive);
}

} // namespace tocsin::detail
