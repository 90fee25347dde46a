-- Parcels and where they were seen.
CREATE TABLE parcels (
    number      bigint PRIMARY KEY,
    sender      integer NOT NULL REFERENCES customers,
    weight_kg   numeric(6, 2) CHECK (weight_kg > 0)
);

CREATE TABLE sightings (
    parcel      bigint NOT NULL REFERENCES parcels,
    place       text NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now()
);

-- The newest sighting of a parcel is asked for at every page view.
CREATE INDEX sightings_newest ON sightings (parcel, seen_at DESC);
