#include "commands/builds/endpoint/intake.hpp"

#include <algorithm>
#include <cctype>

#include "commands/builds/endpoint/answers.hpp"
#include "core/observe/log.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr std::uint64_t kDrainedBytesMax = 64u << 20;  // for parts that are read and forgotten, and the framing
/// Of what is announced above all limits this much is read, to tell which part it was; more can only be the file's.
constexpr std::uint64_t kTellingBytesMax = 1u << 30;
constexpr std::string_view kNotMultipart = "Content must be multipart/form-data";

bool is_multipart(const http::Request& request) {
  constexpr std::string_view kType = "multipart/form-data";
  const auto type = request.header("Content-Type");
  if (!type || type->size() < kType.size()) return false;
  return std::equal(kType.begin(), kType.end(), type->begin(), [](char expected, char given) {
    return expected == static_cast<char>(std::tolower(static_cast<unsigned char>(given)));
  });
}

std::string_view too_large_reason(const WantedFile& file) {
  if (file.name == "source") return "SOURCE_TOO_LARGE";
  if (file.name == "certs") return "CERTS_TOO_LARGE";
  return "RESULT_TOO_LARGE";
}

http::Response body_too_large() { return error_answer(413, "Request body too large"); }

class FormIntake final : public http::MultipartSink {
 public:
  /// Takes `bytes_max` in all, of whatever parts.
  FormIntake(blob::BlobStore& blobs, const FormSpec& spec, Form& form, std::uint64_t bytes_max, const std::function<void(const Form&)>& progress)
      : blobs_(blobs), spec_(spec), form_(form), progress_(progress), bytes_left_(bytes_max) {}

  Task<Result<void>> begin_part(http::PartHead head) override {
    text_ = nullptr;
    file_.reset();
    if (head.is_file) {
      const auto wanted = std::find_if(spec_.files.begin(), spec_.files.end(), [&](const auto& f) { return f.name == head.name; });
      if (wanted == spec_.files.end()) co_return Result<void>();
      if (StagedFile* replaced = form_.file(head.name)) {
        co_await replaced->upload->discard();
        form_.files.erase(head.name);
      }
      auto staged = wanted->is_private ? blobs_.stage_private(wanted->bytes_max) : blobs_.stage(wanted->bytes_max);
      if (!staged.ok()) {
        log_unstored_file(wanted->name, staged.error());
        refusal_ = error_answer(500, spec_.failed);
        co_return staged.take_error();
      }
      wanted_ = &*wanted;
      file_bytes_ = 0;
      file_ = StagedFile{std::move(staged).value(), std::move(head.filename), std::move(head.content_type)};
      name_ = std::move(head.name);
    } else if (std::find(spec_.fields.begin(), spec_.fields.end(), head.name) != spec_.fields.end()) {
      text_ = &form_.fields[head.name];
      text_->clear();
    }
    co_return Result<void>();
  }

  Task<Result<void>> part_data(std::string_view bytes) override {
    if (text_ != nullptr) {
      if (text_->size() + bytes.size() > kTextFieldBytesMax) {
        refusal_ = error_answer(413, "Form field too large");
        co_return make_error(Code::exhausted, "a text field is over its limit");
      }
      text_->append(bytes);
    } else if (file_) {
      auto written = co_await file_->upload->write(bytes);
      if (!written.ok()) {
        const bool too_large = written.error().code == Code::exhausted && !file_->upload->disk_full();
        if (!too_large) log_unstored_file(wanted_->name, written.error());
        refusal_ = too_large ? error_answer(413, wanted_->too_large, too_large_reason(*wanted_)) : error_answer(500, spec_.failed);
        co_await file_->upload->discard();
        file_.reset();
        co_return written;
      }
      file_bytes_ += bytes.size();
      if (progress_) progress_(form_);
    }
    if (bytes.size() > bytes_left_) {
      refusal_ = body_too_large();
      co_return make_error(Code::exhausted, "the parts together are over their limit");
    }
    bytes_left_ -= bytes.size();
    co_return Result<void>();
  }

  Task<Result<void>> end_part() override {
    if (file_ && file_bytes_ == 0 && file_->declared_name.empty()) {  // how a browser sends that no file was chosen
      co_await file_->upload->discard();
      file_.reset();
    }
    if (file_) {
      form_.files.insert_or_assign(name_, std::move(*file_));
      file_.reset();
    }
    text_ = nullptr;
    co_return Result<void>();
  }

  /// Of the part that was under way when the body ended.
  Task<void> discard_unfinished() {
    if (file_) co_await file_->upload->discard();
  }

  std::optional<http::Response> take_refusal() { return std::move(refusal_); }

 private:
  blob::BlobStore& blobs_;
  const FormSpec& spec_;
  Form& form_;
  const std::function<void(const Form&)>& progress_;
  const WantedFile* wanted_ = nullptr;
  std::uint64_t bytes_left_;
  std::optional<StagedFile> file_;  // the part under way
  std::uint64_t file_bytes_ = 0;
  std::string name_;
  std::string* text_ = nullptr;
  std::optional<http::Response> refusal_;
};

}  // namespace

void log_unstored_file(std::string_view part, const Error& error) {
  observe::error("upload not stored", {{"part", part}, {"code", name_of(error.code)}, {"reason", error.message}});
}

Task<void> Form::discard_files() {
  for (auto& [name, file] : files) co_await file.upload->discard();
  files.clear();
}

Task<std::optional<http::Response>> read_form(http::Request& request, blob::BlobStore& blobs, FormSpec spec, Form& form,
                                              std::function<void(const Form&)> progress) {
  if (!is_multipart(request)) co_return error_answer(400, kNotMultipart, "NOT_MULTIPART");
  if (!request.has_body()) co_return std::nullopt;  // a form without parts: what is missing is said by who needs it
  http::MultipartLimits limits;
  limits.body_bytes_max = kDrainedBytesMax;
  for (const auto& file : spec.files) limits.body_bytes_max += file.bytes_max;
  FormIntake intake(blobs, spec, form, limits.body_bytes_max, progress);
  const std::uint64_t announced = request.content_length().value_or(0);
  const bool far_over = announced > limits.body_bytes_max && announced - limits.body_bytes_max > kTellingBytesMax;
  if (!far_over) limits.body_bytes_max = std::max(limits.body_bytes_max, announced);
  auto read = co_await request.read_multipart(intake, limits);
  if (read.ok()) co_return std::nullopt;
  co_await intake.discard_unfinished();
  co_await form.discard_files();
  if (auto refusal = intake.take_refusal()) co_return std::move(*refusal);
  switch (read.error().code) {
    case Code::exhausted:
      if (spec.files.empty() || !far_over) co_return body_too_large();
      co_return error_answer(413, spec.files.front().too_large, too_large_reason(spec.files.front()));
    case Code::timed_out: co_return error_answer(408, "Request timeout");
    case Code::cancelled: co_return error_answer(400, "Request body incomplete");  // of a peer that still reads
    case Code::invalid_argument: co_return error_answer(400, kNotMultipart, "NOT_MULTIPART");
    default: co_return error_answer(500, spec.failed);
  }
}

}  // namespace tidemark::commands::builds::endpoint
