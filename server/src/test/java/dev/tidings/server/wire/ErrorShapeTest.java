// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorShapeTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CODED  | 404 |                        | no x   | {'detail':'no x'}",
        "CODED  | 413 | PAYLOAD_TOO_LARGE      | large  |"
            + " {'error':'PAYLOAD_TOO_LARGE','message':'large','details':null}",
        "DETAIL | 404 |                        | no x   | {'detail':'no x'}",
        "DETAIL | 413 | PAYLOAD_TOO_LARGE      | large  | {'detail':'large'}",
        "DETAIL | 500 | INTERNAL_ERROR         | oh     | {'detail':'internal server error'}",
        "BRIEF  | 401 |                        | who?   | {'error':'unauthorized','detail':'who?'}",
        "BRIEF  | 413 | PAYLOAD_TOO_LARGE      | large  |"
            + " {'error':'payload too large','detail':'large'}",
        "BRIEF  | 400 | invalid request schema | a: b   |"
            + " {'error':'invalid request schema','detail':'a: b'}",
        "BRIEF  | 404 |                        | Not Found | {'error':'not found'}",
        "BRIEF  | 400 | streamId is required   |        | {'error':'streamId is required'}",
        "MESSAGE | 404 | E002                  | no x   | {'code':'E002','message':'no x'}",
        "MESSAGE | 400 |                       | no x   | {'code':'INVALID_REQUEST','message':'no x'}",
        "MESSAGE | 403 |                       | no     | {'code':'FORBIDDEN','message':'no'}",
        "MESSAGE | 405 |                       | no     | {'code':'METHOD_NOT_ALLOWED','message':'no'}",
        "MESSAGE | 413 | PAYLOAD_TOO_LARGE     | large  | {'code':'TOO_LARGE','message':'large'}",
        "MESSAGE | 429 |                       | many   | {'code':'LIMIT_REACHED','message':'many'}",
        "MESSAGE | 500 | INTERNAL_ERROR        | oh     | {'code':'INTERNAL','message':'oh'}",
        "MESSAGE | 503 |                       | later  | {'code':'UNAVAILABLE','message':'later'}",
        "BRIEF  | 424 | long poll waiting timeout | | {'error':'long poll waiting timeout'}",
      })
  void errors_lookAsTheirApiHasThem(
      ErrorShape shape, int status, String code, String text, String body) {
    String written = shape.write(status, code == null ? "" : code, text == null ? "" : text).text();
    assertThat(written).isEqualTo(body.replace('\'', '"'));
  }
}
