#include "archive_intake.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>

namespace runt {

namespace {

// Of names that are kept, for each entry that there may be; and for as many again where there may be few.
constexpr uint64_t kNames = 256;
constexpr uint64_t kFew = 1024;

} // namespace

// An entry brings at most some hundred directories and some mebibytes: looking afterwards is soon enough.
void Intake::refuse_too_much() const {
  const Taker::Beside &beside = taker_.beside();
  if (beside.directories > most_ - entries_) throw Refused{"entries", "", std::to_string(most_)};
  const uint64_t names = (std::min(most_, UINT64_MAX / kNames - kFew) + kFew) * kNames;
  if (beside.names > names) throw Refused{"names", "", std::to_string(names)};
}

void Intake::receive(Record &record, uint64_t tar) {
  // Content is that of a file, and ends before anything else comes.
  const bool of_content = record.kind == RecordKind::Data || record.kind == RecordKind::ContentEnd;
  if (of_content != in_file_) misbehaved("mixed up files");
  switch (record.kind) {
    case RecordKind::Entry:
      if (entries_ == most_) throw Refused{"entries", "", std::to_string(most_)};
      entries_++;
      in_file_ = record.entry.type == S_IFREG && !record.entry.linked;
      size_ = static_cast<uint64_t>(record.entry.size);
      wanted_ = taker_.add(std::move(record.entry));
      refuse_too_much();
      break;
    case RecordKind::Data: {
      const uint64_t size = record.data.size();
      data_ += size;
      if (data_ > tar) misbehaved("made up content");
      if (size > size_ || record.offset > size_ - size) misbehaved("wrote beyond the end of a file");
      if (wanted_) taker_.write(record.data.data(), size, static_cast<int64_t>(record.offset));
      break;
    }
    case RecordKind::ContentEnd:
      in_file_ = false;
      if (wanted_) taker_.finish_file();
      break;
    case RecordKind::End:
      break;
    case RecordKind::Refused:
    case RecordKind::Failed:
    case RecordKind::Source:
      misbehaved("gave a result in the midst");
  }
}

} // namespace runt
