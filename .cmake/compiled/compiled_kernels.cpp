/// @file compiled_kernels.cpp
/// @brief The kernels of tocsin::compiled.
#include "tocsin/compiled.hpp"

namespace tocsin {
namespace detail {

template <int Floats, int Doubles, int Alignment>
const char compiled_for<Floats, Doubles, Alignment>::marker = 0;
template struct compiled_for<widest_lanes<float>, widest_lanes<double>, EIGEN_MAX_ALIGN_BYTES>;

} // namespace detail

TOCSIN_COMPILED_KERNELS(template, detail::compiled_lanes)
#if defined(__AVX512F__)
TOCSIN_COMPILED_KERNELS(template, detail::compiled_half_lanes)
#endif
TOCSIN_COMPILED_FUNCTIONS(template)

} // namespace tocsin
