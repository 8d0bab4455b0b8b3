# Builds and runs the consumer project in the ways in which a user gets tocsin.
set(consumer_dir "${PROJECT_BINARY_DIR}/consumer")
set(consumer_options "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
                     "-DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}"
                     "-DEXPECTED_VERSION=${PROJECT_VERSION}"
                     "-DTOCSIN_XSIMD=${TOCSIN_XSIMD}"
                     "-DTOCSIN_BUILD_COMPILED=${TOCSIN_BUILD_COMPILED}"
                     "-DTOCSIN_SOURCE=${PROJECT_SOURCE_DIR}"
                     # Another prefix than the configured one: the package must be relocatable.
                     "-DCMAKE_PREFIX_PATH=${consumer_dir}/prefix$<SEMICOLON>${CMAKE_PREFIX_PATH}")

add_test(NAME consumer.install COMMAND "${CMAKE_COMMAND}" --install "${PROJECT_BINARY_DIR}"
                                       --prefix "${consumer_dir}/prefix")
set_tests_properties(consumer.install PROPERTIES FIXTURES_SETUP installed_package)

foreach(method package subproject own_eigen)
    add_test(
        NAME consumer.${method}
        COMMAND
            "${CMAKE_CTEST_COMMAND}" --build-and-test "${CMAKE_CURRENT_LIST_DIR}"
            "${consumer_dir}/${method}" --build-generator "${CMAKE_GENERATOR}" --build-options
            ${consumer_options} -DMETHOD=${method} --test-command "${CMAKE_CTEST_COMMAND}"
            --output-on-failure --no-tests=error)
endforeach()
set_tests_properties(consumer.package PROPERTIES FIXTURES_REQUIRED installed_package)

find_program(TOCSIN_PKG_CONFIG NAMES pkg-config pkgconf DOC "pkg-config for the consumer test")
mark_as_advanced(TOCSIN_PKG_CONFIG)
if(TOCSIN_PKG_CONFIG)
    add_test(
        NAME consumer.pkg_config
        COMMAND
            "${CMAKE_COMMAND}" "-DPREFIX=${consumer_dir}/prefix" "-DPKG_CONFIG=${TOCSIN_PKG_CONFIG}"
            "-DCXX=${CMAKE_CXX_COMPILER}" "-DFLAGS=${CMAKE_CXX_FLAGS}"
            "-DEXPECTED_VERSION=${PROJECT_VERSION}" "-DOUTPUT=${consumer_dir}/pkg_config_consumer" -P
            "${CMAKE_CURRENT_LIST_DIR}/pkg_config.cmake")
    set_tests_properties(consumer.pkg_config PROPERTIES FIXTURES_REQUIRED installed_package)
else()
    message(STATUS "tocsin: pkg-config not found: its consumer test is left out")
endif()
