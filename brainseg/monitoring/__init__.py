"""What models answered, kept on this machine without images or names, and signs that the images have changed."""

from brainseg.monitoring.answer_log import AnswerLog, log_answers
from brainseg.monitoring.drift import Reference, Sign, signs_of_drift
from brainseg.monitoring.record import AnswerRecord, record_of

__all__ = ["AnswerLog", "AnswerRecord", "Reference", "Sign", "log_answers", "record_of", "signs_of_drift"]
