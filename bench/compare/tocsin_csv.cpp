// tocsin: a recording from the text of a CSV file.
#include "tocsin/io/csv.hpp"

#include "tocsin_jobs.hpp"
#include <cstdio>
#include <cstdlib>

namespace tocsin_bench {
namespace {

class csv_job final : public job {
  public:
    explicit csv_job(const csv_problem& problem) : problem_{problem} {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            auto read = tocsin::parse_csv<double>(*problem_.text, "recording.csv");
            if (!read) {
                std::fprintf(stderr, "%s\n", read.error().message());
                std::exit(1);
            }
            values_ = std::move(read->values);
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {values_.data(), values_.data() + values_.size()};
    }

  private:
    csv_problem problem_;
    tocsin::matrix<double> values_;
};

} // namespace

job_pointer tocsin_csv(const csv_problem& problem) {
    return std::make_unique<csv_job>(problem);
}

} // namespace tocsin_bench
