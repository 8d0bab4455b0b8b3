/// @file function_ref.hpp
/// @brief A reference to something callable, so that what calls it is compiled once.
#pragma once

#include <type_traits>
#include <utility>

namespace tocsin::detail {

template <class Signature>
class function_ref;

/// Refers to anything that can be called as `Result(Arguments...)`, which must outlive it. For calls
/// per window or batch, where one more jump costs nothing and a second copy of the caller is a cost of
/// every build. Never allocates.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
  public:
    template <class Callable>
        requires(!std::is_same_v<std::remove_cvref_t<Callable>, function_ref>)
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): like std::function
    function_ref(Callable&& callable) noexcept // NOLINT(cppcoreguidelines-missing-std-forward)
        : target_{const_cast<void*>(static_cast<const void*>(&callable))},
          call_{&call<std::remove_reference_t<Callable>>} {}

    Result operator()(Arguments... arguments) const {
        return call_(target_, std::forward<Arguments>(arguments)...);
    }

  private:
    // Not a lambda: its parameters would shadow globals of the same name in the user's program.
    template <class Callable>
    static Result call(void* target, Arguments... arguments) {
        return (*static_cast<Callable*>(target))(std::forward<Arguments>(arguments)...);
    }

    void* target_;
    Result (*call_)(void*, Arguments...);
};

} // namespace tocsin::detail
