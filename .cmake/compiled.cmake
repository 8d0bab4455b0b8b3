# tocsin::compiled: see include/tocsin/compiled.hpp. Programs that link it and include tocsin.hpp take
# common detectors from it.
add_library(tocsin_compiled STATIC .cmake/compiled/compiled_kernels.cpp
                                   .cmake/compiled/compiled_encoder_decoder.cpp
                                   .cmake/compiled/compiled_forecaster.cpp)
add_library(tocsin::compiled ALIAS tocsin_compiled)
target_link_libraries(tocsin_compiled PUBLIC tocsin)
target_compile_definitions(tocsin_compiled INTERFACE TOCSIN_COMPILED)
set_target_properties(tocsin_compiled PROPERTIES EXPORT_NAME compiled POSITION_INDEPENDENT_CODE ON)
