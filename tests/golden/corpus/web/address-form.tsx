import { useState } from "react";

const POSTCODE = /^[0-9]{5}$/;

/** The form in which a customer types where a parcel should go. */
export function AddressForm({ onSubmit }: { onSubmit: (address: Address) => void }) {
  const [postcode, setPostcode] = useState("");
  const [touched, setTouched] = useState(false);
  const wrong = touched && !POSTCODE.test(postcode);
  return (
    <form onSubmit={() => onSubmit({ postcode })}>
      <input value={postcode} onChange={(e) => setPostcode(e.target.value)} onBlur={() => setTouched(true)} />
      {wrong && <p role="alert">A postcode has five digits.</p>}
    </form>
  );
}
