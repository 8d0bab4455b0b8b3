// A converted file for a model that forecasts nothing.
#include <span>
#include <tocsin/io/converted_model.hpp>
#include <tocsin/models/encoder_decoder.hpp>

tocsin::status load(const tocsin::encoder_decoder<float>& model, std::span<float> parameters) {
    return tocsin::load_converted("file", model, parameters); // unsatisfied: forecasting_model
}
