package billing

import java.time.Duration
import java.time.Instant

/** Decides when a payment that was declined is tried again. */
class PaymentRetry(private val pauses: List<Duration> = listOf(Duration.ofDays(1), Duration.ofDays(3), Duration.ofDays(7))) {

    /** The moment of the next attempt, or null when the customer has to be called. */
    fun next(attempts: Int, last: Instant): Instant? = pauses.getOrNull(attempts - 1)?.let(last::plus)

    fun isHopeless(reason: String): Boolean = reason in setOf("card_stolen", "account_closed")
}
