// A user's program: trains a small detector, judges a stream with it and, where model files are
// supported, with what was saved and loaded.
#include <tocsin/tocsin.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <tocsin/io/detector_file.hpp>
#define HAS_FILES
#endif

#include <cstdio>
#include <string>

using detector_type = tocsin::detector<tocsin::forecaster<float>>;

/// The score of the last of some samples.
static double last_score(const detector_type& detector, const tocsin::matrix<float>& samples) {
    auto stream = detector.make_stream();
    double score = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        score = detector.push(stream, samples.col(t)).score;
    }
    return score;
}

int main(int, char** argv) {
    tocsin::random_generator random{1};
    tocsin::matrix<float> samples(2, 400);
    for (tocsin::index_t k = 0; k < samples.size(); ++k) {
        samples.data()[k] = static_cast<float>(random.normal());
    }
    const auto windows = tocsin::make_windows(samples, 40, 20).value();
    detector_type detector(tocsin::forecaster<float>::with_layers(2, 2, {4}));
    if (!detector.train(windows, {}, tocsin::trainer<>{.epochs = 1}).ok() ||
        !detector.fit_errors(windows).ok() || !detector.tune(windows).ok()) {
        std::puts("cannot be trained");
        return 1;
    }
    const double score = last_score(detector, samples);
    bool works = score > 0;
#ifdef HAS_FILES
    const std::string path = std::string(argv[0]) + ".safetensors"; // in the build folder
    const bool saved = tocsin::save_detector(detector, path).ok();
    const auto loaded = tocsin::load_detector<detector_type>(path);
    std::remove(path.c_str());
    works = works && saved && loaded.ok() && last_score(*loaded, samples) == score;
#else
    static_cast<void>(argv);
#endif
    std::printf("tocsin %s: %s\n", TOCSIN_VERSION_STRING, works ? "works" : "is broken");
    return works ? 0 : 1;
}
