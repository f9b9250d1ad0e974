// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/// The JSON of what of a receipt has no column of its own: the fingerprint of the request as hex
/// digits, and the runs of ids.
///
/// A run tells when its messages were published, or, if they were scheduled, when they are due:
/// `{"fingerprint":"…","runs":[{"first":7,"count":3,"published_at":1700000000000}]}`. Members that
/// are not known are passed over.
final class ReceiptJson {
  private static final HexFormat HEX = HexFormat.of();
  private static final int FINGERPRINT_DIGITS = 32;

  private ReceiptJson() {}

  static String write(Receipt receipt) {
    Fingerprint fingerprint = receipt.request().fingerprint();
    return Json.write(out -> {
      out.writeStartObject();
      out.writeStringProperty(
          "fingerprint", HEX.toHexDigits(fingerprint.high()) + HEX.toHexDigits(fingerprint.low()));
      out.writeArrayPropertyStart("runs");
      for (Receipt.Run run : receipt.runs()) {
        out.writeStartObject();
        out.writeNumberProperty("first", run.first());
        out.writeNumberProperty("count", run.count());
        out.writeNumberProperty(run.scheduled() ? "due_at" : "published_at", run.timestamp());
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeEndObject();
    });
  }

  /// @param log the number of the log
  /// @param body what [#write] made
  /// @throws IllegalArgumentException if it is not that
  static Receipt read(
      int slot, String userId, String key, int item, long expiresAt, int log, String body) {
    Body read = Json.read(body, ReceiptJson::readBody);
    return new Receipt(
        slot, new KeyedRequest(userId, key, item, read.fingerprint()), expiresAt, log, read.runs());
  }

  private record Body(Fingerprint fingerprint, List<Receipt.Run> runs) {}

  private static Body readBody(JsonParser in) {
    Json.expect(in, JsonToken.START_OBJECT, "an object");
    String fingerprint = "";
    List<Receipt.Run> runs = new ArrayList<>();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "fingerprint" -> fingerprint = Json.text(in);
        case "runs" -> {
          Json.expect(in, JsonToken.START_ARRAY, "an array");
          while (Json.nextElement(in)) {
            runs.add(readRun(in));
          }
        }
        default -> in.skipChildren();
      }
    }
    return new Body(readFingerprint(fingerprint), runs);
  }

  private static Fingerprint readFingerprint(String hex) {
    if (hex.length() != FINGERPRINT_DIGITS || !hex.chars().allMatch(HexFormat::isHexDigit)) {
      throw new IllegalArgumentException(
          "fingerprint: \"" + hex + "\" (expected: " + FINGERPRINT_DIGITS + " hex digits)");
    }
    return new Fingerprint(
        HexFormat.fromHexDigitsToLong(hex, 0, FINGERPRINT_DIGITS / 2),
        HexFormat.fromHexDigitsToLong(hex, FINGERPRINT_DIGITS / 2, FINGERPRINT_DIGITS));
  }

  private static Receipt.Run readRun(JsonParser in) {
    Json.expect(in, JsonToken.START_OBJECT, "an object");
    long first = -1;
    int count = 0;
    boolean isTimed = false;
    boolean scheduled = false;
    long timestamp = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "first" -> first = Json.number(in);
        case "count" -> count = Json.integer(in);
        case "published_at", "due_at" -> {
          isTimed = true;
          scheduled = name.equals("due_at");
          timestamp = Json.number(in);
        }
        default -> in.skipChildren();
      }
    }
    if (first < 0 || count < 1 || !isTimed) {
      throw new IllegalArgumentException(
          "run: first "
              + first
              + ", count "
              + count
              + (isTimed ? "" : ", no time")
              + " (expected: first 0 or more, count 1 or more, and published_at or due_at)");
    }
    return new Receipt.Run(scheduled, timestamp, first, count);
  }
}
