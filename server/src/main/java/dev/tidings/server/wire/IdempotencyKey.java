// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// The header `Idempotency-Key` of a publish, 1 to 255 printable ASCII characters.
public final class IdempotencyKey {
  private static final CharSequence NAME = HttpHeaders.createOptimized("idempotency-key");
  private static final Pattern VALID = Pattern.compile("[\\x20-\\x7e]{1,255}");

  private IdempotencyKey() {}

  /// The request under an idempotency key that the header makes of it, if it was sent; a bad one is
  /// noted in `fields`, which are those of the body.
  ///
  /// @param callerId whose key it is
  public static Optional<KeyedRequest> read(Call call, String callerId, Fields fields) {
    if (!call.request().headers().contains(NAME)) {
      return Optional.empty();
    }
    List<String> keys = call.request().headers().getAll(NAME);
    String key = keys.size() == 1 ? keys.getFirst() : "";
    if (!VALID.matcher(key).matches()) {
      fields.invalidHeader(
          "idempotency-key", "it has to be 1 to 255 printable ASCII characters", key);
      return Optional.empty();
    }
    return Optional.of(
        new KeyedRequest(callerId, key, 0, Fingerprint.of(call.path(), fields.bytes())));
  }
}
