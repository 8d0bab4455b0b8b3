# Every class that is saved has a version: a header of include/tocsin has as many `version`s as it has
# classes with exchange(archive), but for the parts below. Of each the fixtures *layouts.txt keep what
# files hold (io/saved_layouts_test.cpp).
#     cmake -D ROOT=<checkout> -P saved_versions.cmake
cmake_minimum_required(VERSION 3.24)

# Header and classes without a version: parts whose owner calls their exchange() itself, so that a
# change of what they save is a new version of the owner, and what only streams have, whose bytes have
# one version (byte_format).
set(parts
    "charts/fitted_chart.hpp=1" # a sensor's charts
    "detect/online_trainer.hpp=1"
    "detect/sample_window.hpp=1"
    "detect/stream_clock.hpp=1"
    "detect/stream_learning.hpp=3"
    "detect/stream_memory.hpp=1"
    "errors/corr_max_shares.hpp=1"
    "errors/covariance_factor.hpp=1"
    "errors/moments.hpp=1"
    "layers/bidirectional_encoder.hpp=1" # parts of models, from here
    "layers/dense_head.hpp=1"
    "layers/lstm_stack.hpp=1"
    "layers/lstm_stack_layout.hpp=1"
    "layers/sizes.hpp=2"
    "tail/alarm_rate_settings.hpp=1"
    "tail/spot_counts.hpp=1"
    "tail/spot_settings.hpp=1"
    "threshold/threshold_rule.hpp=1") # optional_threshold
set(failed "")
set(classes 0)
# Header and class of each kept layout; what follows a comma is a form of the same class.
set(kept "")
foreach(name IN ITEMS layouts comparator_layouts)
    file(STRINGS "${ROOT}/tests/fixtures/files/${name}.txt" lines REGEX "^[a-z]")
    list(TRANSFORM lines REPLACE ",.*" "")
    list(APPEND kept ${lines})
endforeach()
list(REMOVE_DUPLICATES kept)
file(GLOB_RECURSE headers RELATIVE "${ROOT}/include/tocsin" "${ROOT}/include/tocsin/*/*.hpp")
foreach(header IN LISTS headers)
    file(STRINGS "${ROOT}/include/tocsin/${header}" saved
         REGEX "^ +(static )?void exchange\\(Archive& archive\\) ")
    file(STRINGS "${ROOT}/include/tocsin/${header}" versions
         REGEX "^ +static constexpr int version = [1-9]")
    list(LENGTH saved saved_count)
    list(LENGTH versions version_count)
    set(without 0)
    foreach(part IN LISTS parts)
        if(part MATCHES "^${header}=([0-9]+)$")
            set(without "${CMAKE_MATCH_1}")
            list(REMOVE_ITEM parts "${part}")
        endif()
    endforeach()
    math(EXPR expected "${saved_count} - ${without}")
    math(EXPR classes "${classes} + ${saved_count}")
    if(NOT version_count EQUAL expected)
        list(APPEND failed "${header}: ${saved_count} classes with exchange(), ${without} of them parts, \
${version_count} versions")
    endif()
    set(layouts "${kept}")
    list(FILTER layouts INCLUDE REGEX "^${header} ")
    list(LENGTH layouts layout_count)
    if(NOT layout_count EQUAL version_count)
        list(APPEND failed "${header}: ${version_count} versions, ${layout_count} kept layouts: add the \
class to io/saved_layouts_test.cpp")
    endif()
endforeach()
foreach(part IN LISTS parts)
    list(APPEND failed "${part}: there is no such header")
endforeach()
if(classes LESS 50)
    message(FATAL_ERROR "only ${classes} classes with exchange() were found")
endif()
if(failed)
    list(JOIN failed "\n  " lines)
    message(FATAL_ERROR "classes that are saved without a version or a kept layout, see tests/saved_versions.cmake:\n  ${lines}")
endif()
