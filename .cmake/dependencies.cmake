# Libraries come from the system; missing ones are fetched. Only headers are taken from a fetched
# tree (its own CMake project is not entered), as imported targets that an export may refer to.
include(FetchContent)

# Makes `target` from the headers under `subfolder` of a tree that the given FetchContent arguments
# declare as `name`, unless the project that embeds tocsin, or find_package, has made it.
macro(tocsin_fetch_headers name target subfolder)
    if(NOT TARGET ${target})
        FetchContent_Declare(${name} ${ARGN})
        FetchContent_MakeAvailable(${name})
    endif()
    if(NOT TARGET ${target})
        string(TOLOWER ${name} tocsin_lower_name)
        message(STATUS "tocsin: ${name} fetched to ${${tocsin_lower_name}_SOURCE_DIR}")
        add_library(${target} INTERFACE IMPORTED)
        target_include_directories(
            ${target} INTERFACE "${${tocsin_lower_name}_SOURCE_DIR}/${subfolder}")
    endif()
endmacro()

# No version is requested: the version files of Eigen 3 and 5 each refuse the other's number.
tocsin_fetch_headers(
    Eigen3 Eigen3::Eigen .
    GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git
    GIT_TAG 3.4.0
    GIT_SHALLOW ON
    SOURCE_SUBDIR headers-only
    FIND_PACKAGE_ARGS CONFIG)
if(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
    message(FATAL_ERROR "tocsin: Eigen ${Eigen3_VERSION} in ${Eigen3_DIR} is older than 3.4")
endif()

if(TOCSIN_XSIMD)
    # Findtocsin_xsimd.cmake explains why xsimd's own package is not used.
    list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
    if(PROJECT_IS_TOP_LEVEL)
        tocsin_fetch_headers(
            tocsin_xsimd tocsin::xsimd include
            GIT_REPOSITORY https://github.com/xtensor-stack/xsimd.git
            GIT_TAG 8.1.0
            GIT_SHALLOW ON
            SOURCE_SUBDIR headers-only
            FIND_PACKAGE_ARGS MODULE)
    elseif(NOT TARGET tocsin::xsimd)
        find_package(tocsin_xsimd MODULE QUIET) # optional: not worth a download in a user's build
    endif()
    list(POP_FRONT CMAKE_MODULE_PATH)
    if(NOT TARGET tocsin::xsimd)
        message(STATUS "tocsin: xsimd not found, using scalar kernels (Debian: libxsimd-dev)")
        set(TOCSIN_XSIMD OFF)
    endif()
endif()

if(TOCSIN_BUILD_TESTS)
    tocsin_fetch_headers(
        doctest doctest::doctest .
        GIT_REPOSITORY https://github.com/doctest/doctest.git
        GIT_TAG v2.4.9
        GIT_SHALLOW ON
        SOURCE_SUBDIR headers-only
        FIND_PACKAGE_ARGS CONFIG)
endif()

# Only the headers for model files need it, so its absence is not an error.
find_package(nlohmann_json CONFIG QUIET)
if(PROJECT_IS_TOP_LEVEL AND NOT nlohmann_json_FOUND)
    message(STATUS "tocsin: nlohmann-json not found: model files and what uses them are left out "
                   "(Debian: nlohmann-json3-dev)")
endif()
