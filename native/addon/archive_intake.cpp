#include "archive_intake.h"

#include <sys/stat.h>

#include <string>

namespace runt {

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
