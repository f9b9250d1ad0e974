// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a backup says of itself: a text file beside its files, written last.
///
/// ```
/// tidings-backup/1
/// created 2026-11-21T18:00:00.123Z
/// store tidings-rocksdb/1
/// durability fsync
/// file SIZE SHA256 db/000012.sst
/// end SHA256
/// ```
///
/// There is a line `file` for each file; the last line has the checksum of all before it.
///
/// @param created when it was begun; what was acknowledged before is in it
/// @param store the format of the store
/// @param durability what an acknowledgement meant
/// @param files the files, by name
record BackupManifest(Instant created, String store, Durability durability, List<Entry> files) {
  /// The name of the file.
  static final String FILE = "backup.manifest";

  private static final String FORMAT = "tidings-backup/1";

  /// Where the files of the database lie in a backup.
  static final String DATABASE = "db";

  /// A manifest of 64 MiB lists half a million files, which is 30 TB.
  private static final long MAX_BYTES = 64L << 20;

  /// Names in one directory only: a manifest leads nowhere else.
  private static final Pattern ENTRY =
      Pattern.compile("file (\\d{1,18}) ([0-9a-f]{64}) " + DATABASE + "/(\\w[\\w.-]{0,200})");

  private static final Pattern LAST = Pattern.compile("end ([0-9a-f]{64})\n");

  BackupManifest {
    files = List.copyOf(files);
  }

  /// One file.
  ///
  /// @param name within `db`
  record Entry(String name, BackupFiles.Content content) {}

  /// Its text.
  byte[] bytes() {
    StringBuilder text = new StringBuilder();
    text.append(FORMAT).append('\n');
    text.append("created ").append(created).append('\n');
    text.append("store ").append(store).append('\n');
    text.append("durability ").append(durability.name().toLowerCase(Locale.ROOT)).append('\n');
    for (Entry file : files) {
      text.append("file ")
          .append(file.content().size())
          .append(' ')
          .append(file.content().sha256())
          .append(' ')
          .append(DATABASE)
          .append('/')
          .append(file.name())
          .append('\n');
    }
    String end = "end " + checksum(text.toString()) + "\n";
    return text.append(end).toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String checksum(String text) {
    return HexFormat.of()
        .formatHex(BackupFiles.sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /// Reads that of the backup in `directory`.
  ///
  /// @throws StoreException it is none, is damaged, or another version of Tidings wrote it
  static BackupManifest read(Path directory) throws StoreException {
    Path file = directory.resolve(FILE);
    String text;
    try {
      if (!Files.isRegularFile(file)) {
        throw new StoreException(
            directory
                + " is no backup: it has no "
                + FILE
                + " (expected: a directory that `tidings backup` has written)");
      }
      if (Files.size(file) > MAX_BYTES) {
        throw damaged(file, Files.size(file) + " bytes (expected: at most " + MAX_BYTES + ")");
      }
      text = Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new StoreException("the backup cannot be read: " + e, e);
    }
    return parse(file, text);
  }

  private static StoreException damaged(Path file, String what) {
    return new StoreException(
        "the backup is damaged: " + file + ": " + what + ". Use another backup");
  }

  private static BackupManifest parse(Path file, String text) throws StoreException {
    List<String> lines = text.lines().toList();
    String format = lines.isEmpty() ? "" : lines.getFirst();
    if (!format.equals(FORMAT) && format.matches("tidings-backup/\\d+")) {
      throw new StoreException(
          file
              + " has the format "
              + format
              + " (expected: "
              + FORMAT
              + "): another version of Tidings wrote it; use that one");
    }
    int last = text.lastIndexOf("end ");
    Matcher end = LAST.matcher(last < 0 ? "" : text.substring(last));
    if (!end.matches() || !end.group(1).equals(checksum(text.substring(0, last)))) {
      throw damaged(file, "its last line is not the checksum of those before");
    }
    if (lines.size() < 5) {
      throw damaged(file, lines.size() + " lines (expected: 5 or more)");
    }
    List<Entry> files = new ArrayList<>();
    for (String line : lines.subList(4, lines.size() - 1)) {
      Matcher entry = ENTRY.matcher(line);
      if (!entry.matches()) {
        throw damaged(file, line + " (expected: file SIZE SHA256 " + DATABASE + "/NAME)");
      }
      files.add(
          new Entry(
              entry.group(3),
              new BackupFiles.Content(Long.parseLong(entry.group(1)), entry.group(2))));
    }
    try {
      return new BackupManifest(
          Instant.parse(value(file, lines.get(1), "created")),
          value(file, lines.get(2), "store"),
          Durability.valueOf(value(file, lines.get(3), "durability").toUpperCase(Locale.ROOT)),
          files);
    } catch (DateTimeParseException | IllegalArgumentException e) {
      throw damaged(file, String.valueOf(e.getMessage()));
    }
  }

  private static String value(Path file, String line, String key) throws StoreException {
    if (!line.startsWith(key + " ")) {
      throw damaged(file, line + " (expected: " + key + " …)");
    }
    return line.substring(key.length() + 1);
  }
}
