package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

var ErrExpired = errors.New("session has expired")

// Session is what a signed-in courier holds.
type Session struct {
	Token   string
	Courier string
	Until   time.Time
}

// NewSession makes a random token that is valid for one shift.
func NewSession(courier string, now time.Time) (Session, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return Session{}, err
	}
	return Session{hex.EncodeToString(raw), courier, now.Add(10 * time.Hour)}, nil
}

// Renew extends a session that has not run out yet.
func (s *Session) Renew(now time.Time) error {
	if now.After(s.Until) {
		return ErrExpired
	}
	s.Until = now.Add(10 * time.Hour)
	return nil
}
