// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// An HTTP answer, read completely. Header names are in lower case.
record Reply(int status, Map<String, List<String>> headers, String body) {

  JsonNode json() {
    return Json.parse(body);
  }

  Optional<String> header(String name) {
    return headers.getOrDefault(name, List.of()).stream().findFirst();
  }

  /// Asserts the status, showing the body if it is another.
  Reply expect(int expected) {
    assertThat(status).as("status; the body was: %s", Json.abbreviate(body)).isEqualTo(expected);
    return this;
  }

  /// Asserts an error of the API: the status and exactly `{"detail": …}`.
  Reply expectDetail(int expected, String detail) {
    expect(expected);
    assertThat(json()).isEqualTo(Json.parse(Json.write(Map.of("detail", detail))));
    return this;
  }

  /// Asserts a 422 with exactly these errors, each written as JSON.
  Reply expectInvalid(String... errors) {
    expect(422);
    assertThat(json())
        .as("body of the 422")
        .isEqualTo(Json.parse("{\"detail\":[" + String.join(",", errors) + "]}"));
    return this;
  }

  /// Asserts the 422 of a body that is not JSON.
  Reply expectNotJson() {
    expect(422);
    JsonNode error = json().get("detail").get(0);
    assertThat(json().get("detail")).hasSize(1);
    assertThat(error.get("type").asString()).isEqualTo("json_invalid");
    assertThat(error.get("msg").asString()).isEqualTo("JSON decode error");
    assertThat(error.get("input")).isEqualTo(Json.parse("{}"));
    assertThat(error.get("loc").get(0).asString()).isEqualTo("body");
    assertThat(error.get("loc").get(1).isIntegralNumber()).as("offset in loc").isTrue();
    assertThat(error.get("ctx").get("error").asString()).isNotBlank();
    return this;
  }

  /// Asserts a 401 with its challenge.
  Reply expectUnauthorized(String detail) {
    expectDetail(401, detail);
    assertThat(header("www-authenticate")).hasValue("Bearer");
    return this;
  }

  String messageId() {
    return json().get("message_id").asString();
  }
}
