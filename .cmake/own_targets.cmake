# Settings for tocsin's own tests, examples and benchmarks; none of them reaches a user's target.
set(CMAKE_CXX_EXTENSIONS OFF)
add_library(tocsin_own INTERFACE)
target_link_libraries(tocsin_own INTERFACE tocsin::tocsin)
if(MSVC)
    target_compile_options(tocsin_own INTERFACE /W4 /bigobj $<$<BOOL:${TOCSIN_WERROR}>:/WX>)
else()
    # clang counts implicit changes of sign as conversions, g++ does not.
    target_compile_options(
        tocsin_own
        INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                  $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wno-sign-conversion>
                  $<$<BOOL:${TOCSIN_WERROR}>:-Werror>)
    # doctest uses __COUNTER__, of which clang 22 warns.
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 22)
        target_compile_options(tocsin_own INTERFACE -Wno-c2y-extensions)
    endif()
endif()
# Lets ccache use precompiled headers.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(tocsin_own INTERFACE -fpch-preprocess)
    elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        target_compile_options(tocsin_own INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()
# g++ 12 warns of its own AVX-512 intrinsics (GCC bug 105593).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13
   AND CMAKE_CXX_FLAGS MATCHES "-march=")
    target_compile_options(tocsin_own INTERFACE -Wno-maybe-uninitialized -Wno-uninitialized)
endif()
if(TOCSIN_NO_EXCEPTIONS)
    target_compile_options(tocsin_own INTERFACE -fno-exceptions -fno-rtti)
endif()
if(nlohmann_json_FOUND)
    target_link_libraries(tocsin_own INTERFACE nlohmann_json::nlohmann_json)
endif()
# The one-class SVM of the comparators; without libsvm it returns an error.
find_path(TOCSIN_LIBSVM_INCLUDE libsvm/svm.h)
find_library(TOCSIN_LIBSVM_LIBRARY svm)
mark_as_advanced(TOCSIN_LIBSVM_INCLUDE TOCSIN_LIBSVM_LIBRARY)
if(TOCSIN_LIBSVM_INCLUDE AND TOCSIN_LIBSVM_LIBRARY AND NOT CMAKE_CROSSCOMPILING)
    target_compile_definitions(tocsin_own INTERFACE TOCSIN_LIBSVM)
    target_link_libraries(tocsin_own INTERFACE "${TOCSIN_LIBSVM_LIBRARY}")
endif()

# Examples and the programs of the documentation take what tocsin::compiled has, where it is built: they
# compile in about half the time.
add_library(tocsin_program INTERFACE)
target_link_libraries(tocsin_program INTERFACE tocsin_own $<TARGET_NAME_IF_EXISTS:tocsin_compiled>)

# One translation unit with every header, for clang-tidy: `cmake --build build/clang -t tidy`.
set(all_headers_source "// Written by CMake: every header, for clang-tidy.\n")
foreach(header IN LISTS core_headers json_headers)
    if(nlohmann_json_FOUND OR NOT header IN_LIST json_headers)
        cmake_path(RELATIVE_PATH header BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/include")
        string(APPEND all_headers_source "#include \"${header}\"\n")
    endif()
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/all_headers.cpp" CONTENT "${all_headers_source}" @ONLY)
add_library(tocsin_all_headers OBJECT EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/all_headers.cpp")
target_link_libraries(tocsin_all_headers PRIVATE tocsin_own)

find_program(TOCSIN_CLANG_TIDY NAMES clang-tidy-19 clang-tidy DOC "clang-tidy for the target tidy")
find_program(TOCSIN_CLANG_FORMAT NAMES clang-format-19 DOC "clang-format for the format targets")
mark_as_advanced(TOCSIN_CLANG_TIDY TOCSIN_CLANG_FORMAT)
if(TOCSIN_CLANG_TIDY)
    add_custom_target(
        tidy
        COMMAND "${TOCSIN_CLANG_TIDY}" --quiet --warnings-as-errors=* -p "${PROJECT_BINARY_DIR}"
                "--config-file=${PROJECT_SOURCE_DIR}/.clang-tidy"
                "--header-filter=^${PROJECT_SOURCE_DIR}/include/"
                # std::stable_sort of libstdc++ 12 calls what C++17 deprecated.
                --extra-arg=-Wno-deprecated-declarations "${PROJECT_BINARY_DIR}/all_headers.cpp"
        COMMENT "clang-tidy over every header"
        VERBATIM)
endif()
if(TOCSIN_CLANG_FORMAT)
    file(GLOB_RECURSE formatted CONFIGURE_DEPENDS include/*.hpp tests/*.[ch]pp examples/*.[ch]pp
         bench/*.[ch]pp)
    add_custom_target(format-check COMMAND "${TOCSIN_CLANG_FORMAT}" --dry-run -Werror ${formatted})
    add_custom_target(format COMMAND "${TOCSIN_CLANG_FORMAT}" -i ${formatted})
endif()
