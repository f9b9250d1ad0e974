// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Locale;

/// How an API tells errors: its routes are added with it, so that what answers for all of them (a
/// body that is too large, a limit, a refusal of the core) does so as the API's own calls do.
public enum ErrorShape {
  /// `{"error": code, "message": text, "details": null}` where there is a code, and `{"detail":
  /// text}` where there is none (API of pulsar-relay v0.1.0).
  CODED {
    @Override
    JsonOut write(int status, String code, String text) {
      return code.isEmpty()
          ? DETAIL.write(status, code, text)
          : new JsonOut(96 + text.length())
              .raw("{\"error\":")
              .string(code)
              .raw(",\"message\":")
              .string(text)
              .raw(",\"details\":null}");
    }
  },

  /// `{"detail": text}` (API of fastpubsub).
  DETAIL {
    @Override
    JsonOut write(int status, String code, String text) {
      return new JsonOut(64 + text.length())
          .raw("{\"detail\":")
          .string(status == 500 && !code.isEmpty() ? "internal server error" : text)
          .raw("}");
    }
  },

  /// `{"error": brief, "detail": text}` without a text that only says the same; brief is the code,
  /// or else what HTTP calls the status (API of iPubSub, which has no details).
  BRIEF {
    @Override
    JsonOut write(int status, String code, String text) {
      String brief = code.isEmpty() ? HttpResponseStatus.valueOf(status).reasonPhrase() : code;
      if (Character.isUpperCase(brief.charAt(0))) {
        // A status, or a code that is told in all shapes.
        brief = brief.replace('_', ' ').toLowerCase(Locale.ROOT);
      }
      JsonOut out = new JsonOut(64 + text.length()).raw("{\"error\":").string(brief);
      if (!text.isEmpty() && !text.equalsIgnoreCase(brief)) {
        out.raw(",\"detail\":").string(text);
      }
      return out.raw("}");
    }
  },

  /// `{"code": code, "message": text}`; what has no code of its own is called as its status is (API
  /// of VarthanV/pub-sub, whose errors had codes but no bodies).
  MESSAGE {
    @Override
    JsonOut write(int status, String code, String text) {
      return new JsonOut(64 + text.length())
          .raw("{\"code\":")
          .string(codeOf(status, code))
          .raw(",\"message\":")
          .string(text)
          .raw("}");
    }

    private static String codeOf(int status, String code) {
      return switch (status) {
        case 413 -> "TOO_LARGE";
        case 500 -> "INTERNAL";
        default -> code.isEmpty() ? codeOf(status) : code;
      };
    }

    private static String codeOf(int status) {
      return switch (status) {
        case 400 -> "INVALID_REQUEST";
        case 429 -> "LIMIT_REACHED";
        case 503 -> "UNAVAILABLE";
        default ->
            HttpResponseStatus.valueOf(status)
                .reasonPhrase()
                .replace(' ', '_')
                .toUpperCase(Locale.ROOT);
      };
    }
  };

  /// The body of an answer.
  ///
  /// @param code the error's name for programs; empty if it has none
  /// @param text says what was wrong, to people
  abstract JsonOut write(int status, String code, String text);
}
