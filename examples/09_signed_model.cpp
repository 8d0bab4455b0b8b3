// A model file that is signed where it is trained and checked where it is loaded, with Ed25519 by
// libsodium. A checksum finds damage; only a signature shows who wrote a file.
//     09_signed_model
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/tocsin.hpp"

#include "support/recording.hpp"
#include "support/require.hpp"
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sodium.h>
#include <span>
#include <string>

using namespace tocsin;
using monitor_type = detector<encoder_decoder<float>>;
using public_key = std::array<unsigned char, crypto_sign_PUBLICKEYBYTES>;
using secret_key = std::array<unsigned char, crypto_sign_SECRETKEYBYTES>;

static constexpr const char* model_path = "signed.safetensors";
static constexpr const char* signature_path = "signed.safetensors.signature";

static const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

/// On the machine that trains, the only one with the secret key.
static void sign(const secret_key& key) {
    const auto file = read_file(model_path);
    support::require(file.error());
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                         bytes_of(*file), file->size(), key.data());
    support::require(write_file(signature_path, signature));
}

/// On the gateway. The signature is checked before a byte of the file is parsed.
static result<monitor_type> load_signed(const public_key& key) {
    const auto signature = read_file(signature_path);
    if (!signature) {
        return signature.error();
    }
    load_options options;
    options.verify = [&](std::span<const std::byte> file) {
        const bool right =
            signature->size() == crypto_sign_BYTES &&
            crypto_sign_verify_detached(bytes_of(*signature),
                                        reinterpret_cast<const unsigned char*>(file.data()),
                                        file.size(), key.data()) == 0;
        return right ? status{}
                     : status::error(error_code::invalid_data,
                                     "the signature does not match the file");
    };
    return load_detector<monitor_type>(model_path, {}, options);
}

int main() {
    if (sodium_init() < 0) {
        std::fprintf(stderr, "libsodium cannot be initialised\n");
        return EXIT_FAILURE;
    }
    public_key public_part{}; // built into the gateway's program
    secret_key secret_part{};
    crypto_sign_keypair(public_part.data(), secret_part.data());

    random_generator random{3};
    const auto generator =
        sinusoid_generator<float>::make({.features = 2, .length = 400}, random).value();
    const auto normal = support::record(generator, 0, random);
    const auto windows = make_windows(normal.values, 12).value();
    monitor_type monitor{encoder_decoder<float>::with_layers(2, {8}), {.window = 12}};
    const trainer<> trainer{.epochs = 3};
    support::require(monitor.train(windows, {}, trainer));
    support::require(monitor.fit_errors(windows));
    support::require(monitor.tune(windows));
    support::require(save_detector(monitor, model_path));
    sign(secret_part);

    const auto loaded = load_signed(public_part);
    support::require(loaded.error());
    std::printf("signed by us: loaded, the same detector: %s\n",
                loaded->identity() == monitor.identity() ? "yes" : "no");

    // An attacker trains a detector that never raises an alarm. The file is well formed.
    monitor.override_thresholds(1e30, 1e30);
    support::require(save_detector(monitor, model_path));
    const auto forged = load_signed(public_part);
    std::printf("changed by another: %s\n", forged ? "loaded" : forged.error().message());
    return loaded->identity() != monitor.identity() && !forged ? EXIT_SUCCESS : EXIT_FAILURE;
}
