// Written by tocsin 0.1.0: a detector for tocsin::firmware::watcher. Do not edit.
// Numbers: float, 512 bytes; 104 multiply-adds per sample.
#pragma once

#include "tocsin/firmware/float_stream.hpp"
#include "tocsin/firmware/watcher.hpp"

#ifdef sample_model
#error "tocsin: sample_model is a macro in this program: export the model under another name"
#endif
namespace sample_model {

struct model_type {
    static constexpr int format_version = 3;
    static constexpr int features = 2;
    static constexpr int targets = 2;
    static constexpr int look_ahead = 1;
    static constexpr int hidden[] = {4};
    static constexpr int head[] = {2};
    static constexpr int warm_up = 5;
    static constexpr auto missing = tocsin::firmware::missing_policy::forecast;
    static constexpr int longest_gap = 10;
    static constexpr int lost_after = 50;
    static constexpr float longest_pause = 0x0p+0F;
    static constexpr int clock_agreement = 3;
    static constexpr auto statistic = tocsin::firmware::statistic_kind::diagonal;
    static constexpr const char* feature_names[] = {"vibration", "temperature"};
    static constexpr const char* feature_units[] = {"mm/s", "\302\260C"};
    static constexpr uint32_t checksum = 3964465959U;
    template <class Model>
    using stream = tocsin::firmware::float_stream<Model>;
    using arithmetic = tocsin::firmware::separate_arithmetic;
    static constexpr float threshold = 0x1.8p+3F;
    static constexpr float input_offset[] = {0x0p+0F, 0x1.4p+4F};
    static constexpr float input_factor[] = {0x1p+0F, 0x1p-1F};
    static constexpr float input_mean[] = {0x0p+0F, 0x0p+0F};
    static constexpr float error_mean[] = {0x0p+0F, 0x0p+0F};
    static constexpr float inverse_variance[] = {0x1p+2F, 0x1.8p+1F};
    static constexpr float weights[] = {
        0x1.558f18p-4F,  -0x1.bcd448p-4F,  0x1.be849ap-3F,  0x1.d13006p-6F,  -0x1.7a7db4p-2F,
        0x1.f668bap-6F,  0x1.6f112ap-2F,   0x1.2f11a8p-5F,  -0x1.d54edap-2F, 0x1.0263bp-6F,
        0x1.276ed2p-1F,  -0x1.95c402p-5F,  0x1.324716p-4F,  0x1.79e0fep-2F,  -0x1.4f226p-3F,
        0x1.2babaep-5F,  0x1.19080ap-1F,   0x1.3e0532p-2F,  0x1.487d08p-2F,  -0x1.35543ap-3F,
        0x1.a0c238p-3F,  0x1.9b55p-6F,     -0x1.964bc2p-4F, -0x1.6196p-2F,   0x1.20f502p-1F,
        0x1.13cf7p-2F,   0x1.69f48ap-3F,   0x1.b6e868p-4F,  -0x1.57ab2cp-2F, -0x1.8a73e4p-3F,
        0x1.6f801p-4F,   0x1.84b994p-3F,   -0x1.694d24p-2F, 0x1.c9fe2cp-7F,  -0x1.1eb334p-2F,
        -0x1.7b531cp-3F, 0x1.5fe1a6p-2F,   -0x1.486fbp-2F,  -0x1.144388p-1F, 0x1.df5ed8p-4F,
        0x1.5eb84ap-2F,  -0x1.2c4272p-4F,  -0x1.a0bab6p-3F, 0x1.591316p-4F,  -0x1.9afab2p-3F,
        -0x1.36737ap-6F, -0x1.a5929ep-3F,  -0x1.0d117ep-1F, -0x1.a17774p-3F, -0x1.a20f2p-3F,
        -0x1.28f13ep-2F, -0x1.1791f6p-5F,  -0x1.595f08p-4F, 0x1.f50a74p-3F,  -0x1.8de5b4p-2F,
        0x1.67d2eep-2F,  0x1.18458p-1F,    -0x1.29c6bap-2F, -0x1.3eed64p-2F, 0x1.93120ep-6F,
        -0x1.3ebdd4p-3F, 0x1.90f27ep-2F,   0x1.df01bp-4F,   -0x1.648f3ap-2F, -0x1.57bb3p-6F,
        -0x1.0493b4p-2F, -0x1.a03b68p-7F,  -0x1.410cc2p-2F, 0x1.bd8072p-3F,  -0x1.e6e818p-5F,
        -0x1.5bba28p-7F, -0x1.5b30d2p-2F,  -0x1.11516cp-2F, 0x1.f2fd82p-4F,  -0x1.297fc8p-1F,
        -0x1.1e7304p-4F, 0x1.1d9cc8p-4F,   -0x1.95f9ccp-4F, 0x1.bd05b2p-4F,  0x1.070c3cp-1F,
        0x1.0a28fap-2F,  -0x1.88b78ap-2F,  0x1.16ff94p-1F,  0x1.e0368cp-4F,  0x1.3af89cp-2F,
        -0x1.ef7c58p-3F, -0x1.5b7df8p-4F,  0x1.4abbdp-7F,   -0x1.ddf642p-7F, -0x1.3dc2e8p-5F,
        0x1.613888p-4F,  -0x1.de9862p-11F, -0x1.350024p-3F, -0x1.42fab4p-1F, -0x1.45f13ep-2F,
        0x1.9b643ep-5F,  -0x1.7f462ap-3F,  -0x1.5db106p-5F, -0x1.edd404p-2F, 0x1.3c0444p-4F,
        -0x1.427cbep-2F, 0x1.775eap-3F,    -0x1.17b3e6p-3F, 0x1.94d6e2p-1F,  -0x1.3c57a8p-3F,
        0x1.128f32p-4F,  -0x1.195494p-4F,  0x1.0c8b6p-2F,   0x1.324caep-1F,  -0x1.8b2714p-8F,
        -0x1.2884dap-3F, 0x1.9d567cp-4F,   -0x1.da3038p-3F, -0x1.28d19cp-1F, -0x1.c472b4p-2F,
        -0x1.1c5878p-2F, 0x1.9a43a2p-2F,   0x1.5f4c26p-5F,  0x1.ab8d1ep-2F,  -0x1.718712p-3F,
        -0x1.e08fa6p-4F, 0x1.a2509ep-2F};
    // Raw samples and the scores that every build must compute.
    static constexpr float self_test_samples[] = {0x1.c78f7ep-4F,  0x1.27d7d2p+4F, 0x1.64b4acp-3F,
                                                  0x1.263b04p+4F,  0x1.dd0e2p-5F,  0x1.6ca63ep+4F,
                                                  -0x1.b95f54p-2F, 0x1.269c7p+4F,  0x1.b7839p-4F,
                                                  0x1.547b1p+4F,   0x1.fe9f9ap-1F, 0x1.045d54p+4F};
    static constexpr float self_test_scores[] = {-0x1p+0F,       0x1.521eeep-1F, 0x1.8p+3F,
                                                 0x1.5fa8bep-3F, 0x1.31abeep+2F, 0x1.800004p+3F};
};
inline constexpr model_type model{};

} // namespace sample_model
