// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.message.Payload;
import java.util.List;
import java.util.Optional;

/// One entry of a 422 answer, in the shape the clients of both FastAPI services parse.
///
/// @param type the machine-readable kind, such as `missing`
/// @param location where: `body`, then field names and array indexes
/// @param message for people
/// @param input the offending JSON value
/// @param context further values as a JSON object
public record FieldError(
    String type, List<Object> location, String message, Payload input, Optional<Payload> context) {

  public FieldError {
    location = List.copyOf(location);
  }

  /// A body that is not JSON.
  public static FieldError malformed(JsonValue.Invalid invalid) {
    JsonOut context = new JsonOut(64).raw("{\"error\":").string(invalid.reason()).raw("}");
    return new FieldError(
        "json_invalid",
        List.of("body", invalid.offset()),
        "JSON decode error",
        Payload.of("{}"),
        Optional.of(Payload.of(context.text())));
  }

  /// A body that is not there.
  public static FieldError missingBody() {
    return new FieldError(
        "missing", List.of("body"), "Field required", Payload.of("null"), Optional.empty());
  }

  /// The body of a 422 answer.
  public static JsonOut write(List<FieldError> errors) {
    JsonOut out = new JsonOut(256).raw("{\"detail\":[");
    String separator = "";
    for (FieldError error : errors) {
      error.write(out.raw(separator));
      separator = ",";
    }
    return out.raw("]}");
  }

  private void write(JsonOut out) {
    out.raw("{\"type\":").string(type).raw(",\"loc\":[");
    String separator = "";
    for (Object step : location) {
      out.raw(separator);
      if (step instanceof Number number) {
        out.number(number.longValue());
      } else {
        out.string(step.toString());
      }
      separator = ",";
    }
    out.raw("],\"msg\":").string(message).raw(",\"input\":").raw(input);
    context.ifPresent(value -> out.raw(",\"ctx\":").raw(value));
    out.raw("}");
  }
}
